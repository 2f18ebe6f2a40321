using System.Globalization;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Starts kimg in new namespaces on behalf of an unprivileged (or root) process: the launcher of the worker and of the probes.</summary>
/// <param name="Program">The static kimg.</param>
internal sealed record NamespaceHost(string Program, IdMapPrograms MapPrograms, IdMapping? Mapping)
{
    /// <summary>Number in the child of its first extra descriptor.</summary>
    internal const int FirstDescriptor = 5;

    private const int PidDescriptor = 3;
    private const int GoDescriptor = 4;

    /// <summary>Starts a hidden verb in a mount namespace and, for <see cref="IsolationMode.UserNamespace"/>, a user namespace with mapped ids.</summary>
    /// <param name="errors">Its standard output and error.</param>
    /// <exception cref="SyscallException">It could not be started or its ids not be mapped.</exception>
    internal async Task<ChildProcess> StartAsync(
        IsolationMode mode, IReadOnlyList<string> environment, SafeFileHandle errors, SafeFileHandle socket, params string[] verb)
    {
        if (mode == IsolationMode.Root)
        {
            string[] direct = NamespaceEntry.Arguments(Program, Namespaces.Mount, -1, -1, verb);
            return await ChildProcess.StartAsync(Program, direct, environment, [null, errors, errors, null, null, socket]);
        }

        (SafeFileHandle pidRead, SafeFileHandle pidWrite) = Descriptors.Pipe();
        (SafeFileHandle goRead, SafeFileHandle goWrite) = Descriptors.Pipe();
        using (pidRead)
        using (goWrite)
        {
            ChildProcess child;
            using (pidWrite)
            using (goRead)
            {
                string[] args = NamespaceEntry.Arguments(Program, Namespaces.User | Namespaces.Mount, PidDescriptor, GoDescriptor, verb);
                child = await ChildProcess.StartAsync(Program, args, environment, [null, errors, errors, pidWrite, goRead, socket]);
            }

            try
            {
                // The child writes at once or dies, which closes the pipe.
                string pid = System.Text.Encoding.ASCII.GetString(Descriptors.ReadAll(pidRead, 64)).Trim();
                if (pid.Length == 0)
                {
                    await child.Exited;
                    string said = Descriptors.ReadBack(errors, 4096).Trim();
                    throw new SyscallException(said.Length > 0 ? said : "unshare", Errno.EPERM);
                }

                await MapAsync(int.Parse(pid, CultureInfo.InvariantCulture));
                Descriptors.WriteAll(goWrite, "g"u8);
            }
            catch (SyscallException)
            {
                child.Kill(Processes.SigKill);
                throw;
            }

            return child;
        }
    }

    private async Task MapAsync(int pid)
    {
        if (Mapping is not null && MapPrograms is { NewUidMap: { } newuidmap, NewGidMap: { } newgidmap })
        {
            await Mapping.ApplyAsync(pid, newuidmap, newgidmap);
            return;
        }

        // One's own id may be mapped without help, once setgroups is given up (user_namespaces(7)).
        await File.WriteAllTextAsync($"/proc/{pid}/setgroups", "deny");
        await File.WriteAllTextAsync($"/proc/{pid}/uid_map", new IdRange(0, Credentials.EffectiveUserId, 1).ToString());
        await File.WriteAllTextAsync($"/proc/{pid}/gid_map", new IdRange(0, Credentials.EffectiveGroupId, 1).ToString());
    }
}

/// <summary>The set-id programs of Debian's uidmap (elsewhere shadow-utils); null: not found.</summary>
internal sealed record IdMapPrograms(string? NewUidMap, string? NewGidMap)
{
    private static readonly string[] s_directories = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"];

    internal static IdMapPrograms Find(FeatureMask without) =>
        without.HasFlag(FeatureMask.IdMapPrograms) ? new(null, null) : new(In("newuidmap"), In("newgidmap"));

    private static string? In(string name) => s_directories.Select(d => $"{d}/{name}").FirstOrDefault(File.Exists);
}
