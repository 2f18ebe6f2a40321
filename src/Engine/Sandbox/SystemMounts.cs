using System.Globalization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>/proc, /dev, /sys and what is masked in them, with the entries and options that BuildKit's steps see (containerd's default specification,
/// without /run).</summary>
internal sealed class SystemMounts(SafeFileHandle root, SandboxSpec spec)
{
    private static readonly string[] s_devices = ["null", "zero", "full", "tty", "urandom", "random"];

    private static readonly (string Link, string Target)[] s_links =
    [
        ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
    ];

    private static readonly string[] s_masked =
    [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    private static readonly string[] s_readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    private const MountFlags Restricted = MountFlags.NoSuid | MountFlags.NoExec | MountFlags.NoDevices;

    internal void MountAll()
    {
        MountProc();
        MountDev();
        MountSys();
    }

    /// <summary>After everything else is in place: a step's own mount below /proc must not undo it.</summary>
    internal void Mask()
    {
        if (spec.Insecure) return;
        foreach (string path in s_readOnly) MakeReadOnly(path);
        foreach (string path in s_masked) MountPoints.AtExisting(root, path, Hide);
    }

    private void MountProc() => At("/proc", target =>
    {
        try
        {
            Mounts.Mount("proc", target, "proc", Restricted);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPERM)
        {
            throw new KimgException(ErrorCode.NoSandbox, "RUN cannot be isolated here: a step gets a /proc of its own, and the kernel gives none where parts of this container's are masked", e)
            {
                Hint = "run the container with its whole /proc (docker: --security-opt systempaths=unconfined; Kubernetes: procMount: Unmasked, with hostUsers: false)",
            };
        }
    });

    private void MountDev()
    {
        At("/dev", target => Mounts.Mount("tmpfs", target, "tmpfs", MountFlags.NoSuid | MountFlags.StrictAccessTime, "mode=755,size=65536k"));
        using SafeFileHandle dev = RootedPaths.Resolve(root, "/dev");
        string directory = RootedPaths.PathOf(dev);
        foreach (string name in s_devices)
        {
            string path = $"{directory}/{name}";
            File.Create(path).Dispose();
            Mounts.Bind("/dev/" + name, path);
        }

        foreach ((string link, string target) in s_links) File.CreateSymbolicLink($"{directory}/{link}", target);
        At("/dev/pts", target => Mounts.Mount("devpts", target, "devpts", MountFlags.NoSuid | MountFlags.NoExec, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
        At("/dev/shm", target => Mounts.Mount("shm", target, "tmpfs", Restricted, string.Create(CultureInfo.InvariantCulture, $"mode=1777,size={spec.ShmSize}")));
        At("/dev/mqueue", target => Mounts.Mount("mqueue", target, "mqueue", Restricted));
    }

    private void MountSys()
    {
        MountFlags flags = Restricted | (spec.Insecure ? MountFlags.None : MountFlags.ReadOnly);
        bool fresh = true;
        At("/sys", target =>
        {
            try
            {
                Mounts.Mount("sysfs", target, "sysfs", flags);
            }
            catch (SyscallException e) when (e.Errno is Errno.EPERM)
            {
                // A user namespace may mount sysfs only with a network of its own; the host's, cgroups included, is the same to look at.
                fresh = false;
                Mounts.Bind("/sys", target, recursive: true);
            }
        });
        if (fresh) MountCgroups(flags);
        else SetRecursively("/sys", flags);
    }

    private void SetRecursively(string path, MountFlags flags)
    {
        using (SafeFileHandle mounted = RootedPaths.Resolve(root, path))
            if (!spec.Without.HasFlag(FeatureMask.MountSetattr) && Mounts.TrySetRecursive(RootedPaths.PathOf(mounted), flags)) return;
        MountPoints.SetFlags(root, path, flags);
    }

    private void MountCgroups(MountFlags flags)
    {
        if (spec.Without.HasFlag(FeatureMask.Cgroup) || !Directory.Exists("/sys/fs/cgroup")) return;
        if (File.Exists("/sys/fs/cgroup/cgroup.controllers"))
        {
            MountPoints.AtExisting(root, "/sys/fs/cgroup", target =>
            {
                try
                {
                    Mounts.Mount("cgroup", target, "cgroup2", Restricted);
                }
                catch (SyscallException e) when (e.Errno is Errno.EPERM or Errno.EBUSY)
                {
                    Mounts.Bind("/sys/fs/cgroup", target, recursive: true);
                }
            });
            MountPoints.SetFlags(root, "/sys/fs/cgroup", flags);
            return;
        }

        MountCgroups1(flags);
    }

    // Version 1: a tmpfs with one directory per hierarchy, each showing only the process's own group.
    private void MountCgroups1(MountFlags flags)
    {
        MountPoints.AtExisting(root, "/sys/fs/cgroup", target => Mounts.Mount("tmpfs", target, "tmpfs", Restricted, "mode=755"));
        foreach (string line in File.ReadLines("/proc/self/cgroup"))
        {
            if (line.Split(':', 3) is not [_, { Length: > 0 } controllers, var group]) continue;
            string name = controllers.StartsWith("name=", StringComparison.Ordinal) ? controllers[5..] : controllers;
            string source = $"/sys/fs/cgroup/{name}{group}";
            if (!Directory.Exists(source)) continue;
            At("/sys/fs/cgroup/" + name, target => Mounts.Bind(source, target));
            MountPoints.SetFlags(root, "/sys/fs/cgroup/" + name, flags);
        }
    }

    private void Hide(string found)
    {
        if (!Directory.Exists(found)) Mounts.Bind("/dev/null", found);
        else Mounts.Mount("tmpfs", found, "tmpfs", MountFlags.ReadOnly, "size=4k,nr_inodes=1");
    }

    private void MakeReadOnly(string path) => MountPoints.AtExisting(root, path, found =>
    {
        Mounts.Bind(found, found, recursive: true);
        MountPoints.SetFlags(root, path, Restricted | MountFlags.ReadOnly);
    });

    private void At(string path, Action<string> mount) => MountPoints.At(root, path, file: false, stubs: null, mount);
}
