using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Runs one process in a root of its own and cleans up after it. Lives in the worker, which has all capabilities in its user namespace and a mount
/// namespace of its own.</summary>
/// <param name="program">The static kimg to start as the step's first process.</param>
internal sealed class StepSandbox(string program)
{
    private const int MaxReport = 16 << 20;

    /// <summary>Runs to the end. Cancelling kills the process and everything it started; afterwards no process and no mount of it is left.</summary>
    /// <param name="descriptors">What <see cref="DescriptorMount"/> and <see cref="SandboxSpec.SecretEnv"/> count.</param>
    /// <exception cref="KimgException">The step could not be started.</exception>
    internal async Task<ExitStatus> RunAsync(
        SandboxSpec spec,
        SafeFileHandle stdout,
        SafeFileHandle stderr,
        ImmutableArray<SafeFileHandle> descriptors,
        CancellationToken cancellationToken)
    {
        using SafeFileHandle input = Descriptors.Memory("kimg-step", JsonSerializer.SerializeToUtf8Bytes(spec, SandboxJson.Default.SandboxSpec));
        (SafeFileHandle reportRead, SafeFileHandle reportWrite) = Descriptors.Pipe();
        using (reportRead)
        {
            ChildProcess child;
            using NestedUserNamespace? nested = spec.Emulation is { Way: EmulationWay.OwnRegistration } ? new NestedUserNamespace() : null;
            using (reportWrite)
            {
                int next = SandboxInit.FirstFile + descriptors.Length;
                string[] args = NamespaceEntry.Arguments(program, NamespacesOf(spec), nested is null ? -1 : next, nested is null ? -1 : next + 1,
                    "sandbox-init", descriptors.Length.ToString(CultureInfo.InvariantCulture));
                SafeFileHandle[] more = nested is null ? [] : [nested.PidWriter, nested.GoReader];
                child = await ChildProcess.StartAsync(program, args, [], [null, stdout, stderr, input, reportWrite, .. descriptors, .. more]);
            }

            if (nested is not null) await MapAsync(nested, child, spec.Emulation!);

            ExitStatus status;
            Task<byte[]> report = Task.Run(() => Descriptors.ReadAll(reportRead, MaxReport), CancellationToken.None);
            await using (cancellationToken.Register(() => child.Kill(Processes.SigTerm)))
            {
                status = await child.Exited;
            }

            SandboxReport merged = Read(await report);
            RemoveStubs(spec, merged.Stubs);
            cancellationToken.ThrowIfCancellationRequested();
            if (merged.Failure is { } failure) throw new KimgException(failure.Code, failure.Message) { Hint = failure.Hint, StepExitCode = failure.ExitCode };
            return status;
        }
    }

    private static async Task MapAsync(NestedUserNamespace nested, ChildProcess child, Emulation emulation)
    {
        string? problem = "the step's first process ended";
        try
        {
            if (nested.Map()) return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
        }

        child.Kill(Processes.SigKill);
        await child.Exited;
        throw new KimgException(ErrorCode.ForeignArchitecture, $"no user namespace for the emulator of linux/{emulation.Architecture}: {problem}");
    }

    private static Namespaces NamespacesOf(SandboxSpec spec) =>
        Namespaces.Mount | Namespaces.HostName | Namespaces.Ipc | Namespaces.Process
        | (spec.IsolatedNetwork ? Namespaces.Network : 0)
        | (spec.Emulation is { Way: EmulationWay.OwnRegistration } ? Namespaces.User : 0)
        | (File.Exists("/sys/fs/cgroup/cgroup.controllers") && !spec.Without.HasFlag(FeatureMask.Cgroup) ? Namespaces.Cgroup : 0);

    private static SandboxReport Read(ReadOnlySpan<byte> lines)
    {
        SandboxReport merged = new();
        foreach (Range range in lines.Split((byte)'\n'))
        {
            if (lines[range].IsEmpty) continue;
            SandboxReport report = JsonSerializer.Deserialize(lines[range], SandboxJson.Default.SandboxReport)!;
            merged = new SandboxReport { Stubs = report.Stubs.IsDefaultOrEmpty ? merged.Stubs : report.Stubs, Failure = report.Failure ?? merged.Failure };
        }

        return merged;
    }

    private static void RemoveStubs(SandboxSpec spec, ImmutableArray<string> stubs)
    {
        if (stubs.Length > 0) RootFileSystem.Visit(spec.Root, spec.Scratch, spec.Without, root => Stubs.Remove(root, stubs));
    }
}
