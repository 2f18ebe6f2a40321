using Kimg.Engine.Native;

namespace Kimg.Engine.Content;

/// <summary>What keeps the collector away from the blobs of a running build: a locked file that says since when it runs. Blobs used since then
/// stay. The lock ends with the process, however it ends.</summary>
internal sealed class Lease : IDisposable
{
    private readonly FileLock _held;
    private readonly string _path;

    private Lease(string path, FileLock held, DateTimeOffset since) => (_path, _held, Since) = (path, held, since);

    public DateTimeOffset Since { get; }

    public static Lease Begin(StoreLayout layout, TimeProvider time)
    {
        string path = Path.Combine(layout.Leases, Guid.NewGuid().ToString("n"));
        using FileLock shared = layout.Share();
        FileLock held = FileLock.Acquire(path, exclusive: true);
        DateTimeOffset now = time.GetUtcNow();
        File.SetLastWriteTimeUtc(held.Handle, now.UtcDateTime);
        return new Lease(path, held, now);
    }

    /// <summary>When the oldest running user began; null when there is none. Removes the files of dead ones.</summary>
    public static DateTimeOffset? Oldest(StoreLayout layout)
    {
        DateTimeOffset? oldest = null;
        using FileLock alone = FileLock.Acquire(layout.LockFile, exclusive: true);
        foreach (string path in Directory.EnumerateFiles(layout.Leases))
        {
            var file = new FileInfo(path);
            if (!file.Exists) continue;
            DateTimeOffset since = file.LastWriteTimeUtc;
            using FileLock? dead = FileLock.TryAcquireExisting(path);
            if (dead is not null) File.Delete(path);
            else if (oldest is null || since < oldest) oldest = since;
        }

        return oldest;
    }

    public void Dispose()
    {
        _held.Dispose(); // first: Windows does not delete an open file
        File.Delete(_path);
    }
}
