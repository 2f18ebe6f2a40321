using System.Text;
using System.Text.Json;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>A step's first process, started in new namespaces: builds the root out of the specification, moves into it and becomes the program. Reads the
/// specification from descriptor 3, reports to 4; the step's own descriptors begin at 5.</summary>
internal sealed class SandboxInit
{
    internal const int SpecDescriptor = 3;
    internal const int ReportDescriptor = 4;
    internal const int FirstFile = 5;

    /// <summary>What a container of docker may do: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE,
    /// SETFCAP (numbers of linux/capability.h).</summary>
    internal const ulong DefaultCapabilities = 0xa80425fb;

    private const int MaxSpecSize = 64 << 20;
    private const int SandboxFailed = 125;
    private readonly SandboxSpec _spec;
    private readonly SafeFileHandle[] _descriptors;
    private readonly List<string> _stubs = [];

    private SandboxInit(SandboxSpec spec, SafeFileHandle[] descriptors) => (_spec, _descriptors) = (spec, descriptors);

    /// <summary>Returns only when the step could not be started; the reason is in the report.</summary>
    /// <param name="descriptors">How many descriptors the step's mounts have.</param>
    internal static int Run(int descriptors)
    {
        using var report = new SafeFileHandle(ReportDescriptor, ownsHandle: true);
        SandboxFailure failure;
        try
        {
            SafeFileHandle[] files = [.. Enumerable.Range(FirstFile, descriptors).Select(fd => new SafeFileHandle(fd, ownsHandle: true))];
            using var input = new SafeFileHandle(SpecDescriptor, ownsHandle: true);
            SandboxSpec spec = JsonSerializer.Deserialize(Descriptors.ReadAll(input, MaxSpecSize), SandboxJson.Default.SandboxSpec)!;
            throw new SandboxInit(spec, files).Start(report);
        }
        catch (KimgException e)
        {
            failure = new SandboxFailure(e.Code, e.Message, e.Hint, e.StepExitCode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            failure = new SandboxFailure(ErrorCode.SandboxFailed, $"cannot set the step up: {e.Message}", "kimg doctor shows what this host allows", null);
        }

        Send(report, new SandboxReport { Failure = failure });
        return SandboxFailed;
    }

    private KimgException Start(SafeFileHandle report)
    {
        _ = HostSettings.SetFileCreationMask(0);
        Mounts.Mount("tmpfs", _spec.Scratch, "tmpfs", MountFlags.NoSuid | MountFlags.NoDevices, "mode=700");
        string rootPath = Directory.CreateDirectory(Path.Combine(_spec.Scratch, "root")).FullName;
        string files = Directory.CreateDirectory(Path.Combine(_spec.Scratch, "files")).FullName;
        RootFileSystem.Mount(_spec.Root, rootPath, _spec.Without);
        using SafeFileHandle root = RootedPaths.OpenRoot(rootPath);

        using SafeFileHandle? emulator = _spec.Emulation is { Way: EmulationWay.FirstProgram } first ? File.OpenHandle(first.Interpreter!) : null;
        StepUser user = StepUser.Find(root, _spec.User);
        MountEverything(root, files);
        MakeWorkingDirectory(root, user);
        Send(report, new SandboxReport { Stubs = [.. _stubs] });

        string[] environment = Environment(user);
        Directory.SetCurrentDirectory(rootPath);
        Mounts.PivotRootHere();
        Mounts.Unmount(".", detach: true);
        Directory.SetCurrentDirectory("/");
        HostSettings.SetHostname(_spec.Hostname);
        if (_spec.IsolatedNetwork) HostSettings.RaiseLoopback();
        SetLimits();
        Processes.StartSession();
        return Become(user, environment, emulator);
    }

    private void MountEverything(SafeFileHandle root, string files)
    {
        var system = new SystemMounts(root, _spec);
        system.MountAll();
        if (_spec.Emulation is { Way: EmulationWay.OwnRegistration } emulation) Register(root, emulation);
        var mounts = new StepMounts(root, files, _spec.Without, _descriptors, _stubs);
        mounts.MountText("/etc/resolv.conf", _spec.ResolvConf);
        mounts.MountText("/etc/hosts", _spec.HostsFile);
        foreach (SandboxMount mount in _spec.Mounts.OrderBy(m => m.Target.Split('/', StringSplitOptions.RemoveEmptyEntries).Length)) mounts.Mount(mount);
        system.Mask();
    }

    // Where it is seen in the step; on a kernel that loads the file system only now its usual place is not there yet.
    private static void Register(SafeFileHandle root, Emulation emulation)
    {
        try
        {
            string place = "/proc/sys/fs/binfmt_misc";
            bool there = false;
            MountPoints.AtExisting(root, place, target =>
            {
                there = true;
                Emulation.MountRegistry(target);
            });
            if (!there) MountPoints.At(root, place = "/dev/binfmt_misc", file: false, stubs: null, Emulation.MountRegistry);
            using SafeFileHandle mounted = RootedPaths.Resolve(root, place);
            emulation.Register(RootedPaths.PathOf(mounted));
        }
        catch (Exception e) when (e is SyscallException or IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ForeignArchitecture, $"the emulator for linux/{emulation.Architecture} cannot be registered: {e.Message}", e);
        }
    }

    // Missing parts belong to the step's user and stay in the layer, as in BuildKit.
    private void MakeWorkingDirectory(SafeFileHandle root, StepUser user)
    {
        var made = new List<string>();
        using SafeFileHandle directory = RootedPaths.Resolve(root, _spec.WorkingDirectory, RootedPaths.Missing.MakeDirectory, made.Add);
        if (!FileStatus.Of(directory).IsDirectory)
            throw new KimgException(ErrorCode.StepNotStarted, $"working directory '{_spec.WorkingDirectory}' is not a directory") { StepExitCode = 126 };
        foreach (string path in made)
        {
            using SafeFileHandle part = RootedPaths.Resolve(root, path);
            FileOwner.SetOpen(part, user.Uid, user.Gid);
        }
    }

    private string[] Environment(StepUser user)
    {
        var values = new List<string>(_spec.Env);
        if (_spec.SecretEnv is { } position)
        {
            string text = Encoding.UTF8.GetString(Descriptors.ReadAll(_descriptors[position], MaxSpecSize));
            values.AddRange(text.Split('\0', StringSplitOptions.RemoveEmptyEntries));
        }

        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < values.Count; i++) last[NameOf(values[i])] = i;
        List<string> kept = [.. values.Where((value, i) => last[NameOf(value)] == i)];
        if (!last.TryGetValue("HOME", out int home) || values[home] == "HOME=")
        {
            kept.RemoveAll(v => v == "HOME=");
            kept.Add("HOME=" + user.Home);
        }

        return [.. kept];
    }

    private static string NameOf(string variable) => variable.IndexOf('=') is var equals and >= 0 ? variable[..equals] : variable;

    private void SetLimits()
    {
        foreach (SandboxLimit limit in _spec.Limits)
        {
            int number = HostSettings.LimitNumber(limit.Name)
                ?? throw new KimgException(ErrorCode.InvalidArgument, $"unknown limit '{limit.Name}'") { Hint = "limits are named as in prlimit: nofile, nproc, memlock, …" };
            try
            {
                HostSettings.SetLimit(number, limit.Soft, limit.Hard);
            }
            catch (SyscallException e) when (e.Errno == Errno.EPERM)
            {
                throw new KimgException(ErrorCode.SandboxFailed, $"cannot raise the limit '{limit.Name}' to {limit.Hard}: {SyscallException.Describe(e.Errno)}")
                {
                    Hint = $"this user's hard limit is {HostSettings.GetLimit(number).Hard}; raise it on the host (ulimit -H) or ask for less",
                };
            }
        }
    }

    // The order matters: dropping from the bounding set and loading a filter need capabilities that the steps after them give up.
    private KimgException Become(StepUser user, string[] environment, SafeFileHandle? emulator)
    {
        Directory.SetCurrentDirectory(_spec.WorkingDirectory);
        string program = StepProgram.Find(_spec.Args[0], environment);
        if (!_spec.Insecure)
        {
            Credentials.BoundCapabilities(DefaultCapabilities);
            if (!_spec.Without.HasFlag(FeatureMask.Seccomp)) SeccompFilter.Install();
        }

        try
        {
            Credentials.SetGroups(user.Groups);
            Credentials.SetIds(user.Uid, user.Gid);
        }
        catch (SyscallException e) when (e.Errno is Errno.EINVAL)
        {
            throw new KimgException(ErrorCode.SandboxFailed, $"user {user.Uid}:{user.Gid} is outside the ids that this sandbox maps", e)
            {
                Hint = "give the user more ids in /etc/subuid and /etc/subgid (usermod --add-subuids), or a smaller USER",
            };
        }

        Credentials.LimitCapabilities(_spec.Insecure ? ulong.MaxValue : DefaultCapabilities);
        _ = HostSettings.SetFileCreationMask(0b000_010_010);
        Processes.CloseOnExec(FirstFile - 2, _spec.Without.HasFlag(FeatureMask.CloseRange));
        Processes.ResetSignals();
        if (emulator is null) return StepProgram.Execute(program, _spec.Args, environment);
        string[] emulated = [Path.GetFileName(_spec.Emulation!.Interpreter!), "-0", _spec.Args[0], program, .. _spec.Args[1..]];
        return StepProgram.Execute($"/proc/self/fd/{emulator.DangerousGetHandle()}", emulated, environment);
    }

    private static void Send(SafeFileHandle report, SandboxReport message) =>
        Descriptors.WriteAll(report, [.. JsonSerializer.SerializeToUtf8Bytes(message, SandboxJson.Default.SandboxReport), (byte)'\n']);
}
