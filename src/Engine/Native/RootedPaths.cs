using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Walks paths below a directory as if it were the root: absolute symlinks and ".." stay inside. Works one component at a time with O_PATH and
/// O_NOFOLLOW, so nothing ever leaves the tree, and can create what is missing on the way.</summary>
internal static partial class RootedPaths
{
    internal enum Missing
    {
        Refuse,
        MakeDirectory,
        MakeFile,
    }

    /// <summary>Opens (O_PATH) what <paramref name="path"/> leads to, following symlinks. Directories on the way, and the last component as
    /// <paramref name="missing"/> says, are created (755, 644); each creation is reported, before and after, as a path from the root, outermost first.</summary>
    /// <exception cref="SyscallException">ENOENT, ENOTDIR, ELOOP and what else the kernel says.</exception>
    internal static SafeFileHandle Resolve(
        SafeFileHandle root, string path, Missing missing = Missing.Refuse, Action<string>? created = null, Action<string>? creating = null)
    {
        var stack = new List<(string Name, SafeFileHandle Directory)>();
        var rest = new Stack<string>(Parts(path).Reverse());
        int links = 0;
        SafeFileHandle Top() => stack.Count == 0 ? root : stack[^1].Directory;
        try
        {
            while (rest.TryPop(out string? name))
            {
                if (name == ".") continue;
                if (name == "..")
                {
                    if (stack.Count == 0) continue;
                    stack[^1].Directory.Dispose();
                    stack.RemoveAt(stack.Count - 1);
                    continue;
                }

                SafeFileHandle? next = TryOpen(Top(), name, OPath | ONoFollow);
                if (next is null)
                {
                    int errno = Marshal.GetLastPInvokeError();
                    if (errno != Errno.ENOENT || missing == Missing.Refuse) throw new SyscallException("open", errno, path);
                    string entry = "/" + string.Join('/', stack.Select(s => s.Name).Append(name));
                    creating?.Invoke(entry);
                    Make(Top(), name, rest.Count == 0 && missing == Missing.MakeFile, path);
                    created?.Invoke(entry);
                    next = TryOpen(Top(), name, OPath | ONoFollow) ?? throw SyscallException.Last("open", path);
                }

                if (TryReadLink(next) is { } target)
                {
                    next.Dispose();
                    if (++links > MaxLinks) throw new SyscallException("open", Errno.ELOOP, path);
                    if (target.StartsWith('/'))
                    {
                        foreach ((_, SafeFileHandle directory) in stack) directory.Dispose();
                        stack.Clear();
                    }

                    foreach (string part in Parts(target).Reverse()) rest.Push(part);
                    continue;
                }

                stack.Add((name, next));
            }

            if (stack.Count == 0) return Descriptors.Duplicate(root);
            SafeFileHandle result = stack[^1].Directory;
            stack.RemoveAt(stack.Count - 1);
            return result;
        }
        finally
        {
            foreach ((_, SafeFileHandle directory) in stack) directory.Dispose();
        }
    }

    /// <summary>Opens a directory as a root to walk from.</summary>
    internal static SafeFileHandle OpenRoot(string path)
    {
        int fd = open(path, OPath | ODirectory | OCloexec);
        return fd >= 0 ? new SafeFileHandle(fd, true) : throw SyscallException.Last("open", path);
    }

    /// <summary>Opens a regular file below the root for reading; null when there is none. Never blocks on a fifo.</summary>
    internal static SafeFileHandle? OpenFile(SafeFileHandle root, string path)
    {
        try
        {
            using SafeFileHandle found = Resolve(root, path);
            int fd = open(PathOf(found), ONonBlock | OCloexec);
            return fd >= 0 ? new SafeFileHandle(fd, true) : throw SyscallException.Last("open", path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
    }

    /// <summary>Removes a file or an empty directory; false when a directory is not empty or it is in use.</summary>
    internal static bool TryRemove(SafeFileHandle directory, string name, bool isDirectory)
    {
        if (unlinkat(directory, PathText.Encode(name + "\0"), isDirectory ? AtRemoveDirectory : 0) == 0) return true;
        return Marshal.GetLastPInvokeError() is Errno.ENOTEMPTY or Errno.EBUSY or Errno.ENOENT ? false : throw SyscallException.Last("unlink", name);
    }

    /// <summary>A path that leads to an open descriptor, for calls that take only paths.</summary>
    internal static string PathOf(SafeFileHandle descriptor) => $"/proc/self/fd/{(int)descriptor.DangerousGetHandle()}";

    private static void Make(SafeFileHandle directory, string name, bool file, string path)
    {
        if (file)
        {
            int fd = openat(directory, PathText.Encode(name + "\0"), OCreate | OExclusive | ONoFollow | OCloexec, 0b110_100_100);
            if (fd < 0) throw SyscallException.Last("create", path);
            new SafeFileHandle(fd, true).Dispose();
        }
        else if (mkdirat(directory, PathText.Encode(name + "\0"), 0b111_101_101) != 0) throw SyscallException.Last("mkdir", path);
    }

    private static SafeFileHandle? TryOpen(SafeFileHandle directory, string name, int flags)
    {
        int fd = openat(directory, PathText.Encode(name + "\0"), flags | OCloexec, 0);
        return fd >= 0 ? new SafeFileHandle(fd, true) : null;
    }

    // On an O_PATH descriptor of a symlink the empty name reads the link itself; of anything else it fails (readlinkat(2)).
    private static string? TryReadLink(SafeFileHandle descriptor)
    {
        Span<byte> buffer = stackalloc byte[4096];
        nint length = readlinkat(descriptor, [0], ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
        return length >= 0 ? PathText.Decode(buffer[..(int)length]) : null;
    }

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    private const int MaxLinks = 40;
    private const int AtRemoveDirectory = 0x200;
    private const int OCreate = 0x40;
    private const int OExclusive = 0x80;
    private const int ONonBlock = 0x800;
    private const int OCloexec = 0x80000;
    private const int OPath = 0x200000;
    private static readonly int ODirectory = OperatingSystemLayout.Directory;
    private static readonly int ONoFollow = OperatingSystemLayout.NoFollow;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int openat(SafeFileHandle directory, byte[] name, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdirat(SafeFileHandle directory, byte[] name, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlinkat(SafeFileHandle directory, byte[] name, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint readlinkat(SafeFileHandle directory, byte[] name, ref byte buffer, nuint size);
}
