using Kimg.Engine.Native;

namespace Kimg.Engine.Snapshots;

/// <summary>A directory of one build or one export, made at first use and removed at the end. A lock beside it says that its owner lives; what killed ones left
/// there is removed by the next.</summary>
/// <param name="prefix">Of its name, where other things are in the parent too.</param>
internal sealed class TemporaryDirectory(string parent, string prefix = "") : IAsyncDisposable
{
    private const string LockSuffix = ".lock";
    private const int IdLength = 16;
    private readonly Lazy<(string Path, FileLock Lock)> _made = new(() => Make(parent, prefix));

    public string Path => _made.Value.Path;

    /// <summary>A new empty directory in it.</summary>
    public string MakeEmpty() => Directory.CreateDirectory(System.IO.Path.Combine(Path, Guid.NewGuid().ToString("N")[..8])).FullName;

    /// <summary>Removes what killed owners left.</summary>
    public static void Sweep(string parent, string prefix = "")
    {
        foreach (string left in Directory.EnumerateFiles(parent, $"{prefix}*{LockSuffix}"))
        {
            string name = System.IO.Path.GetFileName(left)[prefix.Length..^LockSuffix.Length];
            if (name.Length == IdLength && name.All(char.IsAsciiHexDigitLower)) RemoveAbandoned(left);
        }
    }

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

    private static (string Path, FileLock Lock) Make(string parent, string prefix)
    {
        Directory.CreateDirectory(parent);
        Sweep(parent, prefix);
        while (true)
        {
            string path = System.IO.Path.Combine(parent, prefix + Guid.NewGuid().ToString("N")[..IdLength]);
            // Another's sweep may be quicker than this lock; then that name is lost.
            if (FileLock.TryAcquire(path + LockSuffix, exclusive: true) is not { } held) continue;
            if (File.Exists(path + LockSuffix))
            {
                Directory.CreateDirectory(path);
                return (path, held);
            }

            held.Dispose();
        }
    }

    private static void RemoveAbandoned(string lockPath)
    {
        try
        {
            using FileLock? dead = FileLock.TryAcquireExisting(lockPath);
            if (dead is null) return;
            TreeRemover.Remove(lockPath[..^LockSuffix.Length]);
            File.Delete(lockPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else's rubbish, or removed by somebody else: no reason for this build to fail.
        }
    }
}
