using System.Collections.Immutable;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>The table of host features, each found out by using it. One half is asked by the front, the other inside the worker's namespaces.</summary>
internal static class HostProbe
{
    internal static ImmutableArray<HostFinding> OutsideFindings(IsolationLadder ladder, FeatureMask without) =>
    [
        Finding("root", ladder.RootProblem, "CAP_SYS_ADMIN"),
        Finding("user namespaces", ladder.UserNamespaceProblem, $"{ladder.Mapping?.Users.Sum(r => (long)r.Count)} ids for {ladder.Who}"),
        new("seccomp of kimg", Credentials.SeccompMode == 0, Credentials.SeccompMode == 0 ? "no filter" : "a filter is active; it may refuse unshare and mount", null),
        new("set-id programs", !Credentials.NoNewPrivileges, Credentials.NoNewPrivileges ? "no_new_privs is set: newuidmap cannot work" : "allowed",
            Credentials.NoNewPrivileges ? "Kubernetes: allowPrivilegeEscalation: true" : null),
        Program("fuse-overlayfs", StorageProbe.FuseOverlayProgram, without),
    ];

    internal static ImmutableArray<HostFinding> InsideFindings(string directory, string scratch, FeatureMask without)
    {
        string? overlay = StorageProbe.OverlayProblem(directory, scratch, without), fuse = StorageProbe.FuseProblem(without);
        string? names = StorageProbe.OverlayProblem(directory, scratch, without | FeatureMask.FsOpen);
        string? binfmt = BinfmtProblem(without);
        return
        [
            new("overlayfs", overlay is null, overlay ?? "works on the state directory", "a kernel of 5.11 or newer and ext4, xfs or btrfs below the state directory"),
            new("overlayfs by mount(2)", names is null, names ?? "works", null),
            new("fuse-overlayfs mounts", fuse is null, fuse ?? "works", "install fuse-overlayfs and give this user /dev/fuse"),
            ForeignFinding(binfmt, Emulation.HostRegistrations),
            new("cgroups", Directory.Exists("/sys/fs/cgroup"), File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "version 2" : "version 1 or none", null),
        ];
    }

    /// <param name="problem">Why binfmt_misc cannot be mounted; null: it can.</param>
    /// <param name="registrations">Where that of the host is mounted.</param>
    internal static HostFinding ForeignFinding(string? problem, string registrations)
    {
        string[] registered = [.. Foreign().Where(architecture => Emulation.IsRegistered(architecture, registrations))];
        string? host = registered.Length == 0 ? null : "the host has registered " + string.Join(", ", registered), own = problem is null ? "binfmt_misc can be mounted" : null;
        string[] ways = [.. new[] { own, host }.OfType<string>()];
        bool works = ways.Length > 0;
        return new("foreign architectures", works, works ? string.Join("; ", ways) : problem!, "a kernel of 6.7 or newer, or qemu registered on the host");
    }

    internal static HostFinding EmulatorFinding(Emulators emulators)
    {
        try
        {
            string[] found = [.. Foreign().Where(architecture => emulators.Find(architecture) is not null)];
            return found.Length > 0
                ? new("emulators", true, string.Join(", ", found), null)
                : new("emulators", false, "none is installed", "apt-get install qemu-user-static, or name one with --emulator");
        }
        catch (KimgException e)
        {
            return new("emulators", false, e.Message, e.Hint);
        }
    }

    private static IEnumerable<string> Foreign() => Machine.All.Select(machine => machine.Architecture).Where(architecture => !Machine.IsNative(architecture));

    private static string? BinfmtProblem(FeatureMask without)
    {
        if (without.HasFlag(FeatureMask.Binfmt)) return "masked";
        const string Place = "/proc/sys/fs/binfmt_misc";
        try
        {
            Mounts.Mount("binfmt_misc", Place, "binfmt_misc", MountFlags.None);
            Mounts.Unmount(Place);
            return null;
        }
        catch (SyscallException e)
        {
            return e.Message;
        }
    }

    private static HostFinding Finding(string name, (string What, string Fix)? problem, string detail) =>
        new(name, problem is null, problem?.What ?? detail, problem?.Fix);

    private static HostFinding Program(string name, string? path, FeatureMask without) =>
        path is not null && !without.HasFlag(FeatureMask.Fuse) ? new(name, true, path, null) : new(name, false, "not installed", $"install the package {name}");
}
