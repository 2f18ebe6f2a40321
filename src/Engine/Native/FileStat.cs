using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>The kernel's <c>struct statx</c> (linux/stat.h): the one stat structure that is the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal readonly struct FileStat
{
    /// <summary>Of what .NET says of a file, which is less: one name, no identity, no owner.</summary>
    internal FileStat(int format, int mode, long size, DateTime modified)
        : this()
    {
        const long second = TimeSpan.TicksPerSecond;
        long ticks = modified.Ticks - DateTime.UnixEpoch.Ticks, rest = ((ticks % second) + second) % second;
        (_mode, Size, LinkCount) = ((ushort)(format | mode), size, 1);
        (ModifiedSeconds, ModifiedNanoseconds) = ((ticks - rest) / second, (uint)rest * 100);
    }

    /// <summary>STATX_BASIC_STATS.</summary>
    internal const uint Mask = 0x7ff;

    [FieldOffset(16)] internal readonly uint LinkCount;
    [FieldOffset(20)] internal readonly uint Uid;
    [FieldOffset(24)] internal readonly uint Gid;
    [FieldOffset(28)] private readonly ushort _mode;
    [FieldOffset(32)] internal readonly ulong Inode;
    [FieldOffset(40)] internal readonly long Size;

    /// <summary>In units of 512 bytes.</summary>
    [FieldOffset(48)] internal readonly long Blocks;
    [FieldOffset(96)] private readonly long _changedSeconds;
    [FieldOffset(104)] private readonly uint _changedNanoseconds;
    [FieldOffset(112)] internal readonly long ModifiedSeconds;
    [FieldOffset(120)] internal readonly uint ModifiedNanoseconds;
    [FieldOffset(128)] internal readonly uint RdevMajor;
    [FieldOffset(132)] internal readonly uint RdevMinor;
    [FieldOffset(136)] private readonly uint _devMajor;
    [FieldOffset(140)] private readonly uint _devMinor;

    internal const int FormatMask = 0xF000, Socket = 0xC000, Symlink = 0xA000, File = 0x8000, Block = 0x6000, Directory = 0x4000, Character = 0x2000;
    internal const int Fifo = 0x1000;

    /// <summary>S_IFMT bits.</summary>
    internal int Format => _mode & FormatMask;

    /// <summary>The low twelve bits.</summary>
    internal int Mode => _mode & 0xFFF;

    internal ulong Device => ((ulong)_devMajor << 32) | _devMinor;

    internal (long Seconds, uint Nanoseconds) Changed => (_changedSeconds, _changedNanoseconds);

    internal bool IsDirectory => Format == Directory;

    internal bool IsFile => Format == File;

    internal bool IsSymlink => Format == Symlink;

    /// <summary>Overlayfs' mark of a deleted name: a character device 0:0.</summary>
    internal bool IsWhiteout => Format == Character && RdevMajor == 0 && RdevMinor == 0;
}
