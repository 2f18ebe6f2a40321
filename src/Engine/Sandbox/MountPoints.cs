using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Mounts at paths of a root, addressed by descriptors, so that no symlink of an image leads out of it.</summary>
internal static class MountPoints
{
    /// <summary>Calls <paramref name="mount"/> with a path to the mount point, which is made when missing.</summary>
    internal static void At(SafeFileHandle root, string path, bool file, List<string>? stubs, Action<string> mount)
    {
        using SafeFileHandle point = Stubs.Make(root, path, file, stubs);
        mount(RootedPaths.PathOf(point));
    }

    /// <summary>The same where the image or the kernel has the path; otherwise nothing.</summary>
    internal static void AtExisting(SafeFileHandle root, string path, Action<string> mount)
    {
        SafeFileHandle point;
        try
        {
            point = RootedPaths.Resolve(root, path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return;
        }

        using (point) mount(RootedPaths.PathOf(point));
    }

    /// <summary>Sets flags on the mount at a path. A descriptor opened before mounting names what the mount covers, so the path is walked again.</summary>
    internal static void SetFlags(SafeFileHandle root, string path, MountFlags flags)
    {
        if (flags == MountFlags.None) return;
        using SafeFileHandle mounted = RootedPaths.Resolve(root, path);
        Mounts.Remount(RootedPaths.PathOf(mounted), flags);
    }
}
