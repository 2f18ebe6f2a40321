using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>Starting, waiting for and ending processes. Children are started by posix_spawn only: a fork of the runtime can hang in the child.</summary>
internal static unsafe partial class Processes
{
    /// <summary>Starts a program with exactly these descriptors: position in the list is the number in the child. Signals are reset, the mask is empty;
    /// the child gets the environment given and nothing else.</summary>
    /// <exception cref="SyscallException">It could not be started.</exception>
    internal static int Spawn(string program, IReadOnlyList<string> args, IReadOnlyList<string> environment, IReadOnlyList<SafeFileHandle?> descriptors)
    {
        using var argv = new NativeStrings(args);
        using var envp = new NativeStrings(environment);
        byte* actions = stackalloc byte[FileActionsSize];
        byte* attributes = stackalloc byte[AttributesSize];
        Check(posix_spawn_file_actions_init(actions), program);
        Check(posix_spawnattr_init(attributes), program);
        var copies = new List<int>();
        try
        {
            byte* signals = stackalloc byte[SignalSetSize];
            NativeMemory.Clear(signals, SignalSetSize);
            Check(posix_spawnattr_setsigmask(attributes, signals), program);
            NativeMemory.Fill(signals, SignalSetSize, 0xff);
            Check(posix_spawnattr_setsigdefault(attributes, signals), program);
            Check(posix_spawnattr_setflags(attributes, SpawnSetSigDefault | SpawnSetSigMask), program);

            // Copies above every number of the child, so that no dup2 overwrites a source that is still needed.
            for (int i = 0; i < descriptors.Count; i++)
            {
                if (descriptors[i] is not { } descriptor)
                {
                    Check(posix_spawn_file_actions_addopen(actions, i, "/dev/null", i == 0 ? 0 : 1, 0), program);
                    continue;
                }

                int copy = fcntl(descriptor, FcntlDupCloexec, Math.Max(64, descriptors.Count));
                if (copy < 0) throw SyscallException.Last("fcntl", program);
                copies.Add(copy);
                Check(posix_spawn_file_actions_adddup2(actions, copy, i), program);
            }

            Check(posix_spawn(out int pid, program, actions, attributes, argv.Pointer, envp.Pointer), program);
            return pid;
        }
        finally
        {
            foreach (int copy in copies) _ = close(copy);
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Blocks until the child ends.</summary>
    internal static ExitStatus Wait(int pid)
    {
        int status;
        while (waitpid(pid, &status, 0) < 0)
            if (Marshal.GetLastPInvokeError() != Errno.EINTR) throw SyscallException.Last("waitpid");
        return new ExitStatus(status);
    }

    /// <summary>Blocks until the child has ended, but leaves it to be waited for, so that its number cannot be given to another process.</summary>
    internal static void WaitUnreaped(int pid)
    {
        byte* information = stackalloc byte[128];
        while (waitid(PidOnly, pid, information, WaitExited | WaitNoReap) != 0)
            if (Marshal.GetLastPInvokeError() != Errno.EINTR) throw SyscallException.Last("waitid");
    }

    /// <summary>False when there is no such process any more.</summary>
    internal static bool Kill(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>Replaces this process. Returns only by throwing.</summary>
    internal static SyscallException Execute(string program, IReadOnlyList<string> args, IReadOnlyList<string> environment)
    {
        using var argv = new NativeStrings(args);
        using var envp = new NativeStrings(environment);
        _ = execve(program, argv.Pointer, envp.Pointer);
        return SyscallException.Last("exec", program);
    }

    /// <summary>What exec does not reset by itself: signals that are ignored (.NET ignores SIGPIPE) and the mask.</summary>
    internal static void ResetSignals()
    {
        _ = signal_(SigPipe, 0);
        byte* none = stackalloc byte[SignalSetSize];
        NativeMemory.Clear(none, SignalSetSize);
        _ = pthread_sigmask(SigSetMask, none, null);
    }

    /// <summary>Marks every descriptor from <paramref name="first"/> on to be closed by exec.</summary>
    internal static void CloseOnExec(int first, bool withoutCloseRange = false)
    {
        if (!withoutCloseRange && syscall_close_range(SyscallNumbers.CloseRange, (uint)first, uint.MaxValue, CloseRangeCloexec) == 0) return;
        foreach (string name in Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(Path.GetFileName).OfType<string>().ToArray())
            if (int.TryParse(name, out int fd) && fd >= first) _ = fcntl_raw(fd, FcntlSetFd, 1);
    }

    /// <summary>By the real ids; for root it means that somebody may execute it.</summary>
    internal static bool IsExecutable(string path) => access(path, ExecuteAccess) == 0;

    internal static bool IsWritable(string path) => access(path, WriteAccess) == 0;

    internal static int Id => getpid();

    internal static int ParentId => getppid();

    internal static void StartSession() => _ = setsid();

    private static void Check(int errno, string program)
    {
        if (errno != 0) throw new SyscallException("posix_spawn", errno, program);
    }

    internal const int SigKill = 9;
    private const int SigPipe = 13;
    private const int ExecuteAccess = 1;
    private const int WriteAccess = 2;
    internal const int SigTerm = 15;

    // Sizes of glibc's opaque types on 64-bit Linux are 80, 336 and 128; larger ones do no harm.
    private const int FileActionsSize = 256;
    private const int AttributesSize = 512;
    private const int SignalSetSize = 128;
    private const int PidOnly = 1;
    private const int WaitExited = 4;
    private const int WaitNoReap = 0x01000000;
    private const short SpawnSetSigDefault = 0x04;
    private const short SpawnSetSigMask = 0x08;
    private const int FcntlSetFd = 2;
    private const int FcntlDupCloexec = 1030;
    private const int SigSetMask = 2;
    private const uint CloseRangeCloexec = 4;

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(out int pid, string path, byte* actions, byte* attributes, byte** argv, byte** envp);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(byte* actions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int kind, int id, byte* information, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execve(string path, byte** argv, byte** envp);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint signal_(int signal, nint handler);

    [LibraryImport("libc")]
    private static partial int pthread_sigmask(int how, byte* set, byte* old);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc")]
    private static partial int getppid();

    [LibraryImport("libc")]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle fd, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int fcntl_raw(int fd, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall_close_range(nint number, nuint first, nuint last, nuint flags);
}
