using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Unix stream socket pairs that carry descriptors (unix(7), SCM_RIGHTS).</summary>
internal static unsafe partial class LocalSockets
{
    /// <summary>Most descriptors that one message may carry (SCM_MAX_FD).</summary>
    internal const int MaxDescriptors = 253;

    internal static (SafeFileHandle First, SafeFileHandle Second) Pair()
    {
        int* ends = stackalloc int[2];
        if (socketpair(AfUnix, SockStream | SockCloexec, 0, ends) != 0) throw SyscallException.Last("socketpair");
        return (new SafeFileHandle(ends[0], true), new SafeFileHandle(ends[1], true));
    }

    /// <summary>Sends all bytes; the descriptors travel with the first of them. Never raises SIGPIPE.</summary>
    internal static void Send(SafeFileHandle socket, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeFileHandle> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Count, MaxDescriptors);
        byte* control = stackalloc byte[ControlHeader + MaxDescriptors * sizeof(int)];
        fixed (byte* start = bytes)
        {
            int sent = 0;
            while (sent < bytes.Length)
            {
                IoVector vector = new() { Base = start + sent, Length = (nuint)(bytes.Length - sent) };
                MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
                if (sent == 0 && descriptors.Count > 0) Attach(&message, control, descriptors);
                nint result = sendmsg(socket, &message, MsgNoSignal);
                if (result >= 0) sent += (int)result;
                else if (Marshal.GetLastPInvokeError() != Errno.EINTR) throw SyscallException.Last("sendmsg");
            }
        }
    }

    /// <summary>One receive: 0 at the end. Descriptors that came along are appended, close-on-exec.</summary>
    internal static int Receive(SafeFileHandle socket, Span<byte> buffer, List<SafeFileHandle> descriptors)
    {
        const int ControlSize = ControlHeader + MaxDescriptors * sizeof(int) + 8;
        byte* control = stackalloc byte[ControlSize];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                IoVector vector = new() { Base = start, Length = (nuint)buffer.Length };
                MessageHeader message = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlSize };
                nint got = recvmsg(socket, &message, MsgCmsgCloexec);
                if (got < 0)
                {
                    if (Marshal.GetLastPInvokeError() == Errno.EINTR) continue;
                    throw SyscallException.Last("recvmsg");
                }

                Collect(&message, control, descriptors);
                return (int)got;
            }
        }
    }

    /// <summary>Wakes every thread that reads or writes the socket.</summary>
    internal static void Shutdown(SafeFileHandle socket) => _ = shutdown(socket, ShutBoth);

    private static void Attach(MessageHeader* message, byte* control, IReadOnlyList<SafeFileHandle> descriptors)
    {
        *(nuint*)control = (nuint)(ControlHeader + descriptors.Count * sizeof(int));
        ((int*)control)[2] = SolSocket;
        ((int*)control)[3] = ScmRights;
        for (int i = 0; i < descriptors.Count; i++) ((int*)(control + ControlHeader))[i] = (int)descriptors[i].DangerousGetHandle();
        message->Control = control;
        message->ControlLength = (nuint)(ControlHeader + (descriptors.Count * sizeof(int) + 7) / 8 * 8);
    }

    private static void Collect(MessageHeader* message, byte* control, List<SafeFileHandle> descriptors)
    {
        byte* end = control + message->ControlLength;
        for (byte* header = control; header + ControlHeader <= end; header += (*(nuint*)header + 7) / 8 * 8)
        {
            nuint length = *(nuint*)header;
            if (length < ControlHeader) return;
            if (((int*)header)[2] != SolSocket || ((int*)header)[3] != ScmRights) continue;
            for (byte* fd = header + ControlHeader; fd + sizeof(int) <= header + length; fd += sizeof(int))
                descriptors.Add(new SafeFileHandle(*(int*)fd, ownsHandle: true));
        }
    }

    private const int AfUnix = 1;
    private const int SockStream = 1;
    private const int SockCloexec = 0x80000;
    private const int SolSocket = 1;
    private const int ScmRights = 1;
    private const int MsgNoSignal = 0x4000;
    private const int MsgCmsgCloexec = 0x40000000;
    private const int ShutBoth = 2;

    // struct cmsghdr of 64-bit Linux: size_t length, int level, int type.
    private const int ControlHeader = 16;

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(SafeFileHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(SafeFileHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc")]
    private static partial int shutdown(SafeFileHandle socket, int how);
}
