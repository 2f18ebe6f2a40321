using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Extended attributes of open regular files and directories (nothing else carries those that layers hold).</summary>
internal static unsafe partial class Xattrs
{
    /// <summary>Names; empty where the file system has no attributes.</summary>
    internal static string[] List(SafeFileHandle file)
    {
        Span<byte> stack = stackalloc byte[1024];
        Span<byte> buffer = stack;
        while (true)
        {
            nint length;
            fixed (byte* start = buffer) length = flistxattr(Fd(file), start, (nuint)buffer.Length);
            if (length == 0) return [];
            if (length > 0) return PathText.Decode(buffer[..(int)length]).Split('\0', StringSplitOptions.RemoveEmptyEntries);
            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.ERANGE: buffer = new byte[64 << 10]; break; // XATTR_LIST_MAX
                case Errno.EOPNOTSUPP: return [];
                default: throw SyscallException.Last("flistxattr", null);
            }
        }
    }

    /// <summary>The value, or null when there is no such attribute.</summary>
    internal static byte[]? Get(SafeFileHandle file, string name)
    {
        Span<byte> stack = stackalloc byte[512];
        Span<byte> buffer = stack;
        byte[] text = Text(name);
        while (true)
        {
            nint length;
            fixed (byte* start = buffer, at = text) length = fgetxattr(Fd(file), at, start, (nuint)buffer.Length);
            if (length >= 0) return buffer[..(int)length].ToArray();
            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.ERANGE: buffer = new byte[64 << 10]; break; // XATTR_SIZE_MAX
                case Errno.ENODATA or Errno.EOPNOTSUPP: return null;
                default: throw SyscallException.Last("fgetxattr", name);
            }
        }
    }

    /// <summary>The error number, 0 for success.</summary>
    internal static int Set(SafeFileHandle file, string name, ReadOnlySpan<byte> value)
    {
        fixed (byte* start = value, at = Text(name))
            return fsetxattr(Fd(file), at, start, (nuint)value.Length, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The error number, 0 for success.</summary>
    internal static int Remove(SafeFileHandle file, string name)
    {
        fixed (byte* at = Text(name)) return fremovexattr(Fd(file), at) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private static byte[] Text(string name) => [.. PathText.Encode(name), 0];

    private static int Fd(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    [LibraryImport("libc", SetLastError = true)] private static partial nint flistxattr(int file, byte* list, nuint size);
    [LibraryImport("libc", SetLastError = true)] private static partial nint fgetxattr(int file, byte* name, byte* value, nuint size);
    [LibraryImport("libc", SetLastError = true)] private static partial int fremovexattr(int file, byte* name);
    [LibraryImport("libc", SetLastError = true)] private static partial int fsetxattr(int file, byte* name, byte* value, nuint size, int flags);
}
