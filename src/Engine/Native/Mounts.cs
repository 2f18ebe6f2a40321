using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>mount(2) and the mount API of Linux 5.2. Every method throws <see cref="SyscallException"/>; the kernel's own explanation, where a file system
/// context has one, is part of the message.</summary>
internal static partial class Mounts
{
    /// <summary>Mounts by mount(2). Source, type and data may be null.</summary>
    internal static void Mount(string? source, string target, string? type, MountFlags flags, string? data = null)
    {
        if (mount(source, target, type, (nuint)(ulong)flags, data) != 0) throw SyscallException.Last("mount", target);
    }

    internal static void Bind(string source, string target, bool recursive = false) =>
        Mount(source, target, null, MountFlags.Bind | (recursive ? MountFlags.Recursive : MountFlags.None));

    /// <summary>Sets flags of a bind mount, keeping those that a user namespace has locked (mount_namespaces(7): they cannot be cleared, and leaving
    /// one out is refused).</summary>
    internal static void Remount(string target, MountFlags flags) =>
        Mount(null, target, null, MountFlags.Bind | MountFlags.Remount | flags | Locked(target));

    /// <summary>Sets read-only, nosuid, noexec and nodev on a mount and everything below it. False where the kernel (before 5.12) cannot.</summary>
    internal static unsafe bool TrySetRecursive(string target, MountFlags flags)
    {
        MountAttributes attributes = new() { Set = AttributesOf(flags) };
        if (syscall_mount_setattr(SyscallNumbers.MountSetattr, AtFdcwd, target, AtRecursive, &attributes, (nuint)sizeof(MountAttributes)) == 0) return true;
        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.ENOSYS ? false : throw new SyscallException("mount_setattr", errno, target);
    }

    internal static void Unmount(string target, bool detach = false)
    {
        if (umount2(target, detach ? MntDetach : 0) != 0) throw SyscallException.Last("umount2", target);
    }

    /// <summary>Makes the current directory the root and stacks the old one over it, from where <see cref="Unmount"/> of "." removes it (pivot_root(2),
    /// "pivot_root(".", ".")").</summary>
    internal static void PivotRootHere()
    {
        if (syscall_pivot_root(SyscallNumbers.PivotRoot, ".", ".") != 0) throw SyscallException.Last("pivot_root");
    }

    /// <summary>chroot(2). The current directory stays where it is.</summary>
    internal static void ChangeRoot(string directory)
    {
        if (chroot(directory) != 0) throw SyscallException.Last("chroot", directory);
    }

    /// <summary>An overlay that is attached nowhere yet. Lower directories topmost first.</summary>
    internal static SafeFileHandle OpenOverlay(IReadOnlyList<string> lower, string? upper, string? work)
    {
        using SafeFileHandle context = FsOpen("overlay");
        foreach (string directory in lower) Configure(context, "lowerdir+", directory);
        if (upper is not null)
        {
            Configure(context, "upperdir", upper);
            Configure(context, "workdir", work);
        }

        SetFlag(context, "userxattr");
        if (syscall_fsconfig(SyscallNumbers.FsConfig, context, FsConfigCreate, null, null, 0) != 0) throw Explained("fsconfig", context, lower[0]);
        nint mounted = syscall_fsmount(SyscallNumbers.FsMount, context, FsmountCloexec, 0);
        return mounted >= 0 ? new SafeFileHandle(mounted, ownsHandle: true) : throw Explained("fsmount", context, lower[0]);
    }

    /// <summary>Attaches a detached mount at a path.</summary>
    internal static void Attach(SafeFileHandle mount, string target)
    {
        if (syscall_move_mount(SyscallNumbers.MoveMount, mount, "", AtFdcwd, target, MoveMountFromEmptyPath) != 0)
            throw SyscallException.Last("move_mount", target);
    }

    private static SafeFileHandle FsOpen(string type)
    {
        nint context = syscall_fsopen(SyscallNumbers.FsOpen, type, FsopenCloexec);
        return context >= 0 ? new SafeFileHandle(context, ownsHandle: true) : throw SyscallException.Last("fsopen", type);
    }

    private static void Configure(SafeFileHandle context, string key, string? value)
    {
        if (syscall_fsconfig(SyscallNumbers.FsConfig, context, FsConfigSetString, key, value, 0) != 0) throw Explained($"fsconfig {key}", context, value);
    }

    private static void SetFlag(SafeFileHandle context, string key)
    {
        if (syscall_fsconfig(SyscallNumbers.FsConfig, context, FsConfigSetFlag, key, null, 0) != 0) throw Explained($"fsconfig {key}", context, null);
    }

    // The file system context queues messages such as "e overlay: too many lower directories"; each read gives one.
    private static SyscallException Explained(string call, SafeFileHandle context, string? path)
    {
        int errno = Marshal.GetLastPInvokeError();
        Span<byte> buffer = stackalloc byte[512];
        nint got = read(context, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
        string reason = got > 2 ? System.Text.Encoding.UTF8.GetString(buffer[2..(int)got]).TrimEnd('\n') : "";
        return new SyscallException(reason.Length == 0 ? call : $"{call} ({reason})", errno, path);
    }

    private static MountFlags Locked(string target) => (MountFlags)FileSystems.Of(target).Flags
        & (MountFlags.ReadOnly | MountFlags.NoSuid | MountFlags.NoDevices | MountFlags.NoExec | MountFlags.NoAccessTime | MountFlags.NoDirectoryAccessTime);

    private static ulong AttributesOf(MountFlags flags)
    {
        ulong set = 0;
        if (flags.HasFlag(MountFlags.ReadOnly)) set |= 0x1;
        if (flags.HasFlag(MountFlags.NoSuid)) set |= 0x2;
        if (flags.HasFlag(MountFlags.NoDevices)) set |= 0x4;
        if (flags.HasFlag(MountFlags.NoExec)) set |= 0x8;
        return set;
    }

    private const int AtFdcwd = -100;
    private const uint AtRecursive = 0x8000;
    private const int MntDetach = 2;
    private const uint FsopenCloexec = 1;
    private const uint FsmountCloexec = 1;
    private const uint FsConfigSetFlag = 0;
    private const uint FsConfigSetString = 1;
    private const uint FsConfigCreate = 6;
    private const uint MoveMountFromEmptyPath = 4;

    /// <summary>struct mount_attr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MountAttributes
    {
        public ulong Set;
        public ulong Clear;
        public ulong Propagation;
        public ulong UserNamespace;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chroot(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle fd, ref byte buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint syscall_pivot_root(nint number, string root, string old);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint syscall_fsopen(nint number, string type, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint syscall_fsconfig(nint number, SafeFileHandle context, nuint command, string? key, string? value, nint aux);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall_fsmount(nint number, SafeFileHandle context, nuint flags, nuint attributes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint syscall_move_mount(nint number, SafeFileHandle from, string fromPath, nint to, string toPath, nuint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint syscall_mount_setattr(nint number, nint directory, string path, nuint flags, MountAttributes* attributes, nuint size);
}
