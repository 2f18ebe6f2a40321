using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Host name, limits and the loopback device of the calling process's namespaces.</summary>
internal static unsafe partial class HostSettings
{
    internal static void SetHostname(string name)
    {
        if (sethostname(name, (nuint)System.Text.Encoding.UTF8.GetByteCount(name)) != 0) throw SyscallException.Last("sethostname", name);
    }

    /// <summary>Sets a limit of this process (all threads). −1 is RLIM_INFINITY.</summary>
    internal static void SetLimit(int resource, long soft, long hard)
    {
        Limit limit = new() { Soft = (ulong)soft, Hard = (ulong)hard };
        if (prlimit(0, resource, &limit, null) != 0) throw SyscallException.Last("prlimit");
    }

    internal static (long Soft, long Hard) GetLimit(int resource)
    {
        Limit limit;
        if (prlimit(0, resource, null, &limit) != 0) throw SyscallException.Last("prlimit");
        return ((long)limit.Soft, (long)limit.Hard);
    }

    /// <summary>Sets the mask of permission bits that new files do not get; returns the one before.</summary>
    internal static int SetFileCreationMask(int mask) => umask(mask);

    /// <summary>Sets "lo" up; a new network namespace has it down.</summary>
    internal static void RaiseLoopback()
    {
        int fd = socket(AfInet, SockDgram | SockCloexec, 0);
        if (fd < 0) throw SyscallException.Last("socket");
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(fd, ownsHandle: true);
        byte* request = stackalloc byte[InterfaceRequestSize];
        NativeMemory.Clear(request, InterfaceRequestSize);
        request[0] = (byte)'l';
        request[1] = (byte)'o';
        *(short*)(request + InterfaceNameSize) = InterfaceUp | InterfaceRunning;
        if (ioctl(handle, SetInterfaceFlags, request) != 0) throw SyscallException.Last("ioctl(SIOCSIFFLAGS)", "lo");
    }

    /// <summary>RLIMIT_ numbers by the names docker uses (asm-generic/resource.h), or null.</summary>
    internal static int? LimitNumber(string name) => name switch
    {
        "cpu" => 0,
        "fsize" => 1,
        "data" => 2,
        "stack" => 3,
        "core" => 4,
        "rss" => 5,
        "nproc" => 6,
        "nofile" => 7,
        "memlock" => 8,
        "as" => 9,
        "locks" => 10,
        "sigpending" => 11,
        "msgqueue" => 12,
        "nice" => 13,
        "rtprio" => 14,
        "rttime" => 15,
        _ => null,
    };

    private const int AfInet = 2;
    private const int SockDgram = 2;
    private const int SockCloexec = 0x80000;
    private const int SetInterfaceFlags = 0x8914;
    private const int InterfaceNameSize = 16;
    private const int InterfaceRequestSize = 40;
    private const short InterfaceUp = 0x1;
    private const short InterfaceRunning = 0x40;

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sethostname(string name, nuint length);

    [LibraryImport("libc")]
    private static partial int umask(int mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prlimit(int pid, int resource, Limit* set, Limit* old);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(Microsoft.Win32.SafeHandles.SafeFileHandle fd, nuint request, byte* argument);
}
