using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Calls on trees of files, all relative to a directory's descriptor and none following a symlink in the last part. A name is one path
/// part (or a relative path the caller has made itself) and is encoded with <see cref="PathText"/>.</summary>
internal static unsafe partial class Trees
{
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_CREAT = 0x40, O_EXCL = 0x80, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;

    private const int AtFdCwd = -100, AtSymlinkNofollow = 0x100, AtEmptyPath = 0x1000, AtRemoveDir = 0x200;
    private const nuint Ficlone = 0x40049409;

    // The two flags whose values differ: asm-generic (x86-64) and arm64.
    internal static readonly int O_DIRECTORY = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    internal static readonly int O_NOFOLLOW = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Opens a directory of this machine by its path.</summary>
    internal static SafeFileHandle OpenRoot(string path) => Open(AtFdCwd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

    internal static SafeFileHandle OpenDirectory(SafeFileHandle parent, string name) =>
        Open(Fd(parent), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

    /// <summary>The directory, or null when there is no directory of this name (nothing, a file, a symlink).</summary>
    internal static SafeFileHandle? TryOpenDirectory(SafeFileHandle parent, string name)
    {
        int fd = OpenRaw(Fd(parent), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd >= 0) return new SafeFileHandle(fd, ownsHandle: true);
        return Marshal.GetLastPInvokeError() is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? null : throw SyscallException.Last("openat", name);
    }

    /// <summary>Opens a regular file for reading. O_NONBLOCK: a fifo that took its place must not hang us.</summary>
    internal static SafeFileHandle OpenFile(SafeFileHandle parent, string name) =>
        Open(Fd(parent), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

    /// <summary>Creates a file that must not exist yet.</summary>
    internal static SafeFileHandle CreateFile(SafeFileHandle parent, string name, int mode = 0x180) =>
        TryCreateFile(parent, name, mode) ?? throw new SyscallException("openat", Errno.EEXIST, name);

    /// <summary>Creates a file; null when something of this name exists.</summary>
    internal static SafeFileHandle? TryCreateFile(SafeFileHandle parent, string name, int mode = 0x180)
    {
        int fd = OpenRaw(Fd(parent), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0) return new SafeFileHandle(fd, ownsHandle: true);
        return Marshal.GetLastPInvokeError() == Errno.EEXIST ? null : throw SyscallException.Last("openat", name);
    }

    internal static void MakeDirectory(SafeFileHandle parent, string name, int mode = 0x1C0)
    {
        if (!TryMakeDirectory(parent, name, mode)) throw SyscallException.Last("mkdirat", name);
    }

    /// <summary>False when something of this name exists.</summary>
    internal static bool TryMakeDirectory(SafeFileHandle parent, string name, int mode = 0x1C0)
    {
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText])) result = mkdirat(Fd(parent), text, (uint)mode);
        if (result == 0) return true;
        return Marshal.GetLastPInvokeError() == Errno.EEXIST ? false : throw SyscallException.Last("mkdirat", name);
    }

    /// <summary>The error number of mknodat, 0 for success.</summary>
    internal static int MakeNode(SafeFileHandle parent, string name, int typeAndMode, uint major, uint minor)
    {
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText]))
            result = mknodat(Fd(parent), text, (uint)typeAndMode, DeviceNumber(major, minor));
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    internal static void MakeSymlink(string target, SafeFileHandle parent, string name)
    {
        if (TryMakeSymlink(target, parent, name) is not 0 and var error) throw new SyscallException("symlinkat", error, name);
    }

    /// <summary>The error number of symlinkat, 0 for success.</summary>
    internal static int TryMakeSymlink(string target, SafeFileHandle parent, string name)
    {
        int result;
        fixed (byte* to = Text(target, stackalloc byte[StackText]), at = Text(name, stackalloc byte[StackText]))
            result = symlinkat(to, Fd(parent), at);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The error number of linkat, 0 for success. A symlink is linked, not followed.</summary>
    internal static int MakeLink(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to)
    {
        int result;
        fixed (byte* old = Text(from, stackalloc byte[StackText]), made = Text(to, stackalloc byte[StackText]))
            result = linkat(Fd(fromParent), old, Fd(toParent), made, 0);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The error number of unlinkat, 0 for success.</summary>
    internal static int Unlink(SafeFileHandle parent, string name, bool directory)
    {
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText])) result = unlinkat(Fd(parent), text, directory ? AtRemoveDir : 0);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    internal static void Rename(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to)
    {
        if (TryRename(fromParent, from, toParent, to) is not 0 and var error) throw new SyscallException("renameat", error, from);
    }

    /// <summary>The error number of renameat, 0 for success.</summary>
    internal static int TryRename(SafeFileHandle fromParent, string from, SafeFileHandle toParent, string to)
    {
        int result;
        fixed (byte* old = Text(from, stackalloc byte[StackText]), made = Text(to, stackalloc byte[StackText]))
            result = renameat(Fd(fromParent), old, Fd(toParent), made);
        return result == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    internal static void ChangeOwner(SafeFileHandle parent, string name, uint uid, uint gid)
    {
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText])) result = fchownat(Fd(parent), text, uid, gid, AtSymlinkNofollow);
        if (result != 0) throw SyscallException.Last("fchownat", name);
    }

    internal static void ChangeOwner(SafeFileHandle file, uint uid, uint gid)
    {
        if (fchown(Fd(file), uid, gid) != 0) throw SyscallException.Last("fchown", null);
    }

    internal static void ChangeMode(SafeFileHandle file, int mode)
    {
        if (fchmod(Fd(file), (uint)mode) != 0) throw SyscallException.Last("fchmod", null);
    }

    /// <summary>Follows a symlink: only for names known to be something else.</summary>
    internal static void ChangeMode(SafeFileHandle parent, string name, int mode)
    {
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText])) result = fchmodat(Fd(parent), text, (uint)mode, 0);
        if (result != 0) throw SyscallException.Last("fchmodat", name);
    }

    internal static void SetModified(SafeFileHandle file, long seconds, uint nanoseconds)
    {
        TimePair times = TimePair.Both(seconds, nanoseconds);
        if (futimens(Fd(file), &times) != 0) throw SyscallException.Last("futimens", null);
    }

    internal static void SetModified(SafeFileHandle parent, string name, long seconds, uint nanoseconds)
    {
        TimePair times = TimePair.Both(seconds, nanoseconds);
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText])) result = utimensat(Fd(parent), text, &times, AtSymlinkNofollow);
        if (result != 0) throw SyscallException.Last("utimensat", name);
    }

    internal static FileStat Stat(SafeFileHandle file)
    {
        byte empty = 0;
        FileStat stat;
        return statx(Fd(file), &empty, AtEmptyPath, FileStat.Mask, &stat) == 0 ? stat : throw SyscallException.Last("statx", null);
    }

    /// <summary>False when nothing has this name.</summary>
    internal static bool TryStat(SafeFileHandle parent, string name, out FileStat stat)
    {
        FileStat found;
        int result;
        fixed (byte* text = Text(name, stackalloc byte[StackText]))
            result = statx(Fd(parent), text, AtSymlinkNofollow, FileStat.Mask, &found);
        stat = found;
        if (result == 0) return true;
        return Marshal.GetLastPInvokeError() is Errno.ENOENT or Errno.ENOTDIR ? false : throw SyscallException.Last("statx", name);
    }

    internal static string ReadLink(SafeFileHandle parent, string name)
    {
        Span<byte> buffer = stackalloc byte[4096];
        nint length;
        fixed (byte* text = Text(name, stackalloc byte[StackText]), to = buffer)
            length = readlinkat(Fd(parent), text, to, (nuint)buffer.Length);
        return length >= 0 ? PathText.Decode(buffer[..(int)length]) : throw SyscallException.Last("readlinkat", name);
    }

    /// <summary>Names in a directory, sorted by their bytes. The descriptor's position moves to the end.</summary>
    internal static List<string> List(SafeFileHandle directory)
    {
        var names = new List<string>();
        foreach (DirectoryItem item in Read(directory)) names.Add(item.Name);
        names.Sort(PathText.Compare);
        return names;
    }

    /// <summary>What is in a directory, in the file system's order. The descriptor's position moves to the end.</summary>
    internal static List<DirectoryItem> Read(SafeFileHandle directory)
    {
        var items = new List<DirectoryItem>();
        if (lseek(Fd(directory), 0, 0) < 0) throw SyscallException.Last("lseek", null);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            fixed (byte* start = buffer)
            {
                nint length;
                while ((length = getdents64(Fd(directory), start, (nuint)buffer.Length)) > 0)
                    AddItems(new ReadOnlySpan<byte>(start, (int)length), items);
                if (length < 0) throw SyscallException.Last("getdents64", null);
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }

        return items;
    }

    /// <summary>Writes all bytes at the file's position.</summary>
    internal static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint count = write(Fd(file), start + done, (nuint)(bytes.Length - done));
                if (count < 0) throw SyscallException.Last("write", null);
                done += (int)count;
            }
        }
    }

    /// <summary>Bytes read at the offset, fewer than asked only at the end.</summary>
    internal static int ReadAt(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint count = pread(Fd(file), start + done, (nuint)(buffer.Length - done), offset + done);
                if (count < 0) throw SyscallException.Last("pread", null);
                if (count == 0) break;
                done += (int)count;
            }
        }

        return done;
    }

    /// <summary>Shares the source's blocks with the target where the file system can.</summary>
    internal static bool TryClone(SafeFileHandle source, SafeFileHandle target) => ioctl(Fd(target), Ficlone, Fd(source)) == 0;

    /// <summary>Copies a range inside the kernel; returns the bytes copied, or -1 when the file systems cannot (copy by hand then).</summary>
    internal static long CopyRange(SafeFileHandle source, SafeFileHandle target, long offset, long count)
    {
        long from = offset, to = offset;
        nint copied = copy_file_range(Fd(source), &from, Fd(target), &to, (nuint)count, 0);
        if (copied >= 0) return copied;
        return Marshal.GetLastPInvokeError() is Errno.EXDEV or Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP or Errno.EPERM or Errno.EIO
            ? -1 : throw SyscallException.Last("copy_file_range", null);
    }

    /// <summary>The next offset holding data (<c>SEEK_DATA</c>) or a hole (<c>SEEK_HOLE</c>); -1 when there is no more data.</summary>
    internal static long Seek(SafeFileHandle file, long offset, bool data)
    {
        long found = lseek(Fd(file), offset, data ? 3 : 4);
        if (found >= 0) return found;
        return Marshal.GetLastPInvokeError() == Errno.ENXIO ? -1 : throw SyscallException.Last("lseek", null);
    }

    internal static void Truncate(SafeFileHandle file, long size)
    {
        if (ftruncate(Fd(file), size) != 0) throw SyscallException.Last("ftruncate", null);
    }

    /// <summary>Makes 0:0 or any other pair the kernel's 64-bit <c>dev_t</c> (glibc's makedev).</summary>
    private static ulong DeviceNumber(uint major, uint minor) =>
        ((major & 0xfffUL) << 8) | ((major & ~0xfffUL) << 32) | (minor & 0xffUL) | ((minor & ~0xffUL) << 12);

    // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name.
    private static void AddItems(ReadOnlySpan<byte> entries, List<DirectoryItem> items)
    {
        while (!entries.IsEmpty)
        {
            int length = MemoryMarshal.Read<ushort>(entries[16..]);
            ReadOnlySpan<byte> name = entries[19..length];
            name = name[..name.IndexOf((byte)0)];
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) items.Add(new DirectoryItem(PathText.Decode(name), entries[18]));
            entries = entries[length..];
        }
    }

    private static SafeFileHandle Open(int directory, string name, int flags, int mode) =>
        OpenRaw(directory, name, flags, mode) is var fd and >= 0
            ? new SafeFileHandle(fd, ownsHandle: true) : throw SyscallException.Last("openat", name);

    private static int OpenRaw(int directory, string name, int flags, int mode)
    {
        fixed (byte* text = Text(name, stackalloc byte[StackText])) return openat(directory, text, flags, (uint)mode);
    }

    private const int StackText = 512;

    /// <summary>The NUL-terminated bytes of a name, in the given buffer when they fit.</summary>
    private static ReadOnlySpan<byte> Text(string name, Span<byte> buffer)
    {
        if (name.Contains('\0', StringComparison.Ordinal)) throw new KimgException(ErrorCode.UnsafeArchive, "a file name holds a NUL byte");
        if (name.Length * 3 + 1 > buffer.Length) buffer = new byte[name.Length * 3 + 1];
        buffer[PathText.Encode(name, buffer)] = 0;
        return buffer;
    }

    private static int Fd(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    [StructLayout(LayoutKind.Sequential)]
    private struct TimePair
    {
        private long _accessSeconds, _accessNanoseconds, _modifiedSeconds, _modifiedNanoseconds;

        internal static TimePair Both(long seconds, uint nanoseconds) => new()
        {
            _accessSeconds = seconds, _accessNanoseconds = nanoseconds, _modifiedSeconds = seconds, _modifiedNanoseconds = nanoseconds,
        };
    }

    // openat, fcntl and ioctl are variadic in C; on the architectures supported (x86-64, arm64 Linux) the convention is the same for them.
    [LibraryImport("libc", SetLastError = true)] private static partial int openat(int directory, byte* path, int flags, uint mode);
    [LibraryImport("libc", SetLastError = true)] private static partial int mkdirat(int directory, byte* path, uint mode);
    [LibraryImport("libc", SetLastError = true)] private static partial int mknodat(int directory, byte* path, uint mode, ulong device);
    [LibraryImport("libc", SetLastError = true)] private static partial int symlinkat(byte* target, int directory, byte* path);
    [LibraryImport("libc", SetLastError = true)] private static partial int linkat(int from, byte* old, int to, byte* made, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int unlinkat(int directory, byte* path, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int renameat(int from, byte* old, int to, byte* made);
    [LibraryImport("libc", SetLastError = true)] private static partial int fchownat(int directory, byte* path, uint uid, uint gid, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int fchown(int file, uint uid, uint gid);
    [LibraryImport("libc", SetLastError = true)] private static partial int fchmod(int file, uint mode);
    [LibraryImport("libc", SetLastError = true)] private static partial int fchmodat(int directory, byte* path, uint mode, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int futimens(int file, TimePair* times);
    [LibraryImport("libc", SetLastError = true)] private static partial int utimensat(int directory, byte* path, TimePair* times, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int statx(int directory, byte* path, int flags, uint mask, FileStat* stat);
    [LibraryImport("libc", SetLastError = true)] private static partial nint readlinkat(int directory, byte* path, byte* buffer, nuint size);
    [LibraryImport("libc", SetLastError = true)] private static partial nint getdents64(int directory, byte* buffer, nuint size);
    [LibraryImport("libc", SetLastError = true)] private static partial nint write(int file, byte* buffer, nuint count);
    [LibraryImport("libc", SetLastError = true)] private static partial nint pread(int file, byte* buffer, nuint count, long offset);
    [LibraryImport("libc", SetLastError = true)] private static partial long lseek(int file, long offset, int whence);
    [LibraryImport("libc", SetLastError = true)] private static partial int ftruncate(int file, long size);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(int file, nuint request, nint argument);
    [LibraryImport("libc", SetLastError = true)]
    private static partial nint copy_file_range(int source, long* from, int target, long* to, nuint count, uint flags);
}
