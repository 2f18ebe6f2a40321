using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>An advisory lock on a file, held while the object lives and given up by the kernel when the process dies. It is the lock that .NET
/// takes for <see cref="FileShare"/>: flock(2) on Unix, share modes on Windows, so it works wherever the engine runs.
/// Two handles in one process exclude each other just as two processes do. Nothing may delete a lock file while it is not held.</summary>
internal sealed partial class FileLock : IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(2);

    private FileLock(SafeFileHandle handle) => Handle = handle;

    /// <summary>The locked file, open for reading (shared) or for reading and writing (exclusive).</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Creates the file when it is not there; null when someone else holds the lock.</summary>
    /// <exception cref="IOException">Everything but the lock being held.</exception>
    public static FileLock? TryAcquire(string path, bool exclusive)
    {
        try
        {
            return new FileLock(exclusive
                ? File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
                : File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read));
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    /// <summary>Waits for the lock on this thread; for locks held for microseconds.</summary>
    public static FileLock Acquire(string path, bool exclusive)
    {
        while (true)
        {
            if (TryAcquire(path, exclusive) is { } held) return held;
            Thread.Sleep(s_poll);
        }
    }

    /// <summary>Whether opening a file failed because someone holds its lock: EWOULDBLOCK (Linux 11, macOS 35), ERROR_SHARING_VIOLATION.</summary>
    public static bool IsHeld(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    /// <summary>Makes an exclusive lock a shared one: a file that gets its name now may be opened at once, but counts as held for who would sweep it.</summary>
    public void LetOthersRead()
    {
        const int shared = 1;
        if (!OperatingSystem.IsWindows() && flock((int)Handle.DangerousGetHandle(), shared) != 0) throw SyscallException.Last("flock", null);
    }

    public void Dispose() => Handle.Dispose();

    [LibraryImport("libc", SetLastError = true)] private static partial int flock(int file, int operation);
}
