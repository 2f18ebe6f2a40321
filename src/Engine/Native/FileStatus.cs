using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>What statx(2) says of a file itself, symlinks not followed. Times have nanoseconds.</summary>
internal readonly partial record struct FileStatus(ushort Mode, long Size, uint Uid, uint Gid, FileTime Modified, FileTime Accessed)
{
    internal bool IsDirectory => (Mode & 0xF000) == 0x4000;

    internal bool IsRegular => (Mode & 0xF000) == 0x8000;

    /// <summary>Or a socket.</summary>
    internal bool IsPipe => (Mode & 0xF000) is 0x1000 or 0xC000;

    internal bool IsSymlink => (Mode & 0xF000) == 0xA000;

    internal static FileStatus Of(SafeFileHandle descriptor) => Query(descriptor, "") ?? throw SyscallException.Last("statx");

    /// <summary>Of a name in a directory; null when there is none.</summary>
    internal static FileStatus? In(SafeFileHandle directory, string name)
    {
        if (Query(directory, name) is { } status) return status;
        return Marshal.GetLastPInvokeError() is Errno.ENOENT ? null : throw SyscallException.Last("statx", name);
    }

    /// <summary>Of what a path leads to; null when that cannot be told.</summary>
    internal static unsafe FileStatus? Of(string path)
    {
        using var nowhere = new SafeFileHandle(CurrentDirectory, ownsHandle: false);
        return Query(nowhere, path, flags: 0);
    }

    /// <summary>Sets access and modification time of a file by a path that may lead through /proc/self/fd.</summary>
    internal static unsafe void SetTimes(string path, FileTime accessed, FileTime modified)
    {
        FileTime* times = stackalloc FileTime[2] { accessed, modified };
        if (utimensat(CurrentDirectory, path, times, 0) != 0) throw SyscallException.Last("utimensat", path);
    }

    private static unsafe FileStatus? Query(SafeFileHandle directory, string name, int flags = EmptyPath | NoFollow)
    {
        StatX x;
        if (statx(directory, PathText.Encode(name + "\0"), flags, BasicStats, &x) != 0) return null;
        return new FileStatus(x.Mode, (long)x.Size, x.Uid, x.Gid, new FileTime(x.ModifiedSeconds, x.ModifiedNanoseconds),
            new FileTime(x.AccessedSeconds, x.AccessedNanoseconds));
    }

    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;

    /// <summary>struct statx, the same on every architecture; only what is read has a name.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatX
    {
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(64)] public long AccessedSeconds;
        [FieldOffset(72)] public uint AccessedNanoseconds;
        [FieldOffset(112)] public long ModifiedSeconds;
        [FieldOffset(120)] public uint ModifiedNanoseconds;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int statx(SafeFileHandle directory, byte[] name, int flags, uint mask, StatX* result);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int utimensat(int directory, string path, FileTime* times, int flags);
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct FileTime(long Seconds, long Nanoseconds);
