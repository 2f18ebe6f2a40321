using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>What kind of file system a path is on.</summary>
internal static partial class FileSystems
{
    /// <summary>Type number (linux/magic.h) and mount flags (the same bits as MS_ for those that matter) of the mount at a path.</summary>
    internal static (long Type, ulong Flags) Of(string path)
    {
        if (statfs(path, out StatFs result) != 0) throw SyscallException.Last("statfs", path);
        return (result.Type, result.Flags);
    }

    /// <summary>struct statfs of the 64-bit architectures (asm-generic/statfs.h; x86-64 agrees).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct StatFs
    {
        public long Type;
        public long BlockSize;
        public ulong Blocks;
        public ulong BlocksFree;
        public ulong BlocksAvailable;
        public ulong Files;
        public ulong FilesFree;
        public long Id;
        public long NameLength;
        public long FragmentSize;
        public ulong Flags;
        public fixed long Spare[4];
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statfs(string path, out StatFs result);
}
