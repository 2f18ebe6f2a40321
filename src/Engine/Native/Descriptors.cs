using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Pipes, memory files and single reads and writes. Everything is close-on-exec.</summary>
internal static partial class Descriptors
{
    internal static unsafe (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        int* ends = stackalloc int[2];
        if (pipe2(ends, OCloexec) != 0) throw SyscallException.Last("pipe2");
        return (new SafeFileHandle(ends[0], true), new SafeFileHandle(ends[1], true));
    }

    /// <summary>An anonymous file holding these bytes, positioned at its start.</summary>
    internal static SafeFileHandle Memory(string name, ReadOnlySpan<byte> content)
    {
        int fd = memfd_create(name, 1);
        if (fd < 0) throw SyscallException.Last("memfd_create", name);
        var file = new SafeFileHandle(fd, ownsHandle: true);
        WriteAll(file, content);
        _ = lseek(file, 0, 0);
        return file;
    }

    internal static SafeFileHandle Duplicate(SafeFileHandle descriptor)
    {
        int copy = fcntl(descriptor, 1030, 3);
        return copy >= 0 ? new SafeFileHandle(copy, true) : throw SyscallException.Last("fcntl");
    }

    internal static void WriteAll(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written = write(file, in MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
            if (written >= 0) bytes = bytes[(int)written..];
            else if (Marshal.GetLastPInvokeError() != Errno.EINTR) throw SyscallException.Last("write");
        }
    }

    /// <summary>Reads to the end.</summary>
    /// <exception cref="SyscallException">EFBIG when there is more than <paramref name="limit"/>.</exception>
    internal static byte[] ReadAll(SafeFileHandle file, int limit)
    {
        var content = new List<byte[]>();
        int total = 0;
        byte[] buffer = new byte[Math.Min(limit + 1, 64 * 1024)];
        while (Read(file, buffer) is var got and > 0)
        {
            total += got;
            if (total > limit) throw new SyscallException("read", Errno.EFBIG);
            content.Add(buffer[..got]);
        }

        return [.. content.SelectMany(c => c)];
    }

    /// <summary>The text of a memory file that another process wrote; only its beginning when it is longer than <paramref name="limit"/>.</summary>
    internal static string ReadBack(SafeFileHandle memory, int limit)
    {
        _ = lseek(memory, 0, 0);
        byte[] buffer = new byte[limit];
        return System.Text.Encoding.UTF8.GetString(buffer, 0, Read(memory, buffer));
    }

    /// <summary>One read; 0 at the end.</summary>
    internal static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        while (true)
        {
            nint got = read(file, ref MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (got >= 0) return (int)got;
            if (Marshal.GetLastPInvokeError() != Errno.EINTR) throw SyscallException.Last("read");
        }
    }

    private const int OCloexec = 0x80000;

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle fd, in byte buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle fd, ref byte buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle fd, int command, int argument);
}
