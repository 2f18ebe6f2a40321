using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Cuts a new mount namespace off: what the host unmounts goes away in it too, what is mounted in it stays in it (mount_namespaces(7)).</summary>
internal static class OwnMounts
{
    /// <exception cref="KimgException">SandboxFailed: a chroot without a mount point to work on.</exception>
    internal static void Begin()
    {
        try
        {
            Mounts.Mount(null, "/", null, MountFlags.Slave | MountFlags.Recursive);
        }
        catch (SyscallException e) when (e.Errno == Errno.EINVAL)
        {
            BeginInChroot();
        }
    }

    /// <summary>In a chroot the root is a directory of someone's mount: that mount's other directories cannot be reached to cut it off, and pivot_root(2)
    /// wants a mount point. So the tree is bound over /proc, which is a mount of its own, and becomes the root.</summary>
    private static void BeginInChroot()
    {
        try
        {
            // First, so that the bind mount is not seen in other namespaces.
            Mounts.Mount(null, "/proc", null, MountFlags.Private);
            Mounts.Bind("/", "/proc", recursive: true);
            Mounts.Mount(null, "/proc", null, MountFlags.Slave | MountFlags.Recursive);
            Mounts.ChangeRoot("/proc");
            Directory.SetCurrentDirectory("/");
        }
        catch (SyscallException e)
        {
            throw new KimgException(ErrorCode.SandboxFailed, $"the root directory is not a mount point, and cannot be made one: {e.Message}", e)
            {
                Hint = "in a chroot, bind the directory on itself before (mount --bind DIR DIR), and mount /proc in it",
            };
        }
    }
}
