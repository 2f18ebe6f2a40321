using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>An advisory lock on a file, held while the object lives and given up by the kernel when the process dies. It is the lock that .NET
/// takes for <see cref="FileShare"/>: flock(2) on Unix, share modes on Windows, so it works wherever the engine runs.
/// Two handles in one process exclude each other just as two processes do. Nothing may delete a lock file while it is not held.</summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(2);

    // Nobody else may have it open; but its holder may rename and remove it, for which Windows wants it shared.
    private static readonly FileShare s_alone = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    private FileLock(SafeFileHandle handle) => Handle = handle;

    /// <summary>The locked file, open for reading (shared) or for reading and writing (exclusive, or for writing).</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Creates the file when it is not there; null when someone else holds the lock.</summary>
    /// <exception cref="IOException">Everything but the lock being held.</exception>
    public static FileLock? TryAcquire(string path, bool exclusive)
    {
        try
        {
            return new FileLock(exclusive
                ? File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, s_alone)
                : File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read));
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    /// <summary>For sweeps: the exclusive lock of a file that is there; null when someone holds it, or when there is no such file any more.
    /// A sweep that made the file anew would show its owner, who has just lost it to another sweep, that it is still there.</summary>
    /// <exception cref="IOException">Everything but that.</exception>
    public static FileLock? TryAcquireExisting(string path)
    {
        try
        {
            return new FileLock(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, s_alone));
        }
        catch (IOException e) when (IsHeld(e) || e is FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>As <see cref="TryAcquire"/> alone, but of a file that others may read meanwhile.</summary>
    /// <exception cref="IOException">Everything but the lock being held.</exception>
    public static FileLock? TryAcquireForWriting(string path)
    {
        // Shared locks exclude nobody who takes one; so each writer must have been alone first. Who comes in between makes the second open fail.
        using (FileLock? alone = TryAcquire(path, exclusive: true))
        {
            if (alone is null) return null;
        }

        try
        {
            return new FileLock(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete));
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

    /// <summary>A new file for one writer, empty and open for writing: until it is closed nobody holds it alone, but all may read it, under whatever name it
    /// has by then. Null when a sweep held it before its writer did.</summary>
    /// <exception cref="IOException">Everything but that.</exception>
    public static FileLock? TryCreate(string path)
    {
        try
        {
            // Unix: a shared lock. Windows: read and renamed by others; they have to share writing with it.
            return new FileLock(File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete));
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    public void Dispose() => Handle.Dispose();
}
