namespace Kimg.Engine.Native;

/// <summary>MS_ flags of mount(2), linux/mount.h.</summary>
[Flags]
internal enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDevices = 4,
    NoExec = 8,
    Remount = 32,
    NoAccessTime = 1024,
    NoDirectoryAccessTime = 2048,
    Bind = 4096,
    Recursive = 16384,
    Private = 1 << 18,
    Slave = 1 << 19,
    StrictAccessTime = 1 << 24,
}
