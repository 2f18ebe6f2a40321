using System.Collections.Immutable;
using Kimg.Engine.Native;

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
            new("foreign architectures", binfmt is null, binfmt ?? "binfmt_misc can be mounted", "a kernel of 6.7 or newer, or qemu registered on the host"),
            new("cgroups", Directory.Exists("/sys/fs/cgroup"), File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "version 2" : "version 1 or none", null),
        ];
    }

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
