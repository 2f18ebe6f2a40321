using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Ownership and permissions.</summary>
internal static partial class FileOwner
{
    /// <summary>Of the path itself, symlinks not followed.</summary>
    internal static void Set(string path, uint uid, uint gid)
    {
        if (lchown(path, uid, gid) != 0) throw SyscallException.Last("lchown", path);
    }

    /// <summary>Of a directory or file that is open, if only by O_PATH.</summary>
    internal static void SetOpen(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, uint uid, uint gid)
    {
        if (fchownat(descriptor, [0], uid, gid, 0x1000) != 0) throw SyscallException.Last("fchownat");
    }

    internal static void SetMode(string path, uint mode)
    {
        if (chmod(path, mode) != 0) throw SyscallException.Last("chmod", path);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chmod(string path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchownat(Microsoft.Win32.SafeHandles.SafeFileHandle directory, byte[] name, uint uid, uint gid, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint uid, uint gid);
}
