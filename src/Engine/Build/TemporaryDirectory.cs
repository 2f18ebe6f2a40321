using Kimg.Engine.Native;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>A directory of one build below the state directory, made at first use and removed at the end. A lock beside it says that the build lives; what killed
/// builds left there is removed by the next.</summary>
internal sealed class TemporaryDirectory(string parent) : IAsyncDisposable
{
    private const string LockSuffix = ".lock";
    private readonly Lazy<(string Path, FileLock Lock)> _made = new(() => Make(parent));

    public string Path => _made.Value.Path;

    /// <summary>A new empty directory in it.</summary>
    public string MakeEmpty() => Directory.CreateDirectory(System.IO.Path.Combine(Path, Guid.NewGuid().ToString("N")[..8])).FullName;

    public ValueTask DisposeAsync()
    {
        if (_made.IsValueCreated)
        {
            TreeRemover.Remove(Path); // a fetched context may have names that are no text, which .NET cannot remove
            File.Delete(Path + LockSuffix);
            _made.Value.Lock.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static (string Path, FileLock Lock) Make(string parent)
    {
        Directory.CreateDirectory(parent);
        foreach (string left in Directory.EnumerateFiles(parent, "*" + LockSuffix)) Sweep(left);
        while (true)
        {
            string path = System.IO.Path.Combine(parent, Guid.NewGuid().ToString("N")[..16]);
            // Another build's sweep may be quicker than this lock; then that name is lost.
            if (FileLock.TryAcquire(path + LockSuffix, exclusive: true) is not { } held) continue;
            Directory.CreateDirectory(path);
            return (path, held);
        }
    }

    private static void Sweep(string lockPath)
    {
        try
        {
            using FileLock? dead = FileLock.TryAcquire(lockPath, exclusive: true);
            if (dead is null) return;
            string directory = lockPath[..^LockSuffix.Length];
            TreeRemover.Remove(directory);
            File.Delete(lockPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's rubbish, or removed by somebody else: no reason for this build to fail.
        }
    }
}
