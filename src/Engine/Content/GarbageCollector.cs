using System.Collections.Immutable;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>Removes the blobs that were not used for longest, beside running builds. Nothing is taken that is a root or that was used since the oldest
/// running build began.</summary>
/// <param name="freeSpace">Bytes free on the store's disk.</param>
internal sealed class GarbageCollector(string stateDirectory, TimeProvider time, Func<string, long>? freeSpace = null)
{
    private static readonly TimeSpan s_keepPartials = TimeSpan.FromDays(1);
    private readonly StoreLayout _layout = new(stateDirectory);
    private readonly Func<string, long> _freeSpace = freeSpace ?? (path => new DriveInfo(path).AvailableFreeSpace);

    /// <summary>All blobs, least recently used first.</summary>
    public ImmutableArray<DiskUsage> List(IReadOnlySet<Digest> roots) => Guard(() =>
    {
        FileInfo[] files = [.. Directory.EnumerateDirectories(_layout.Blobs)
            .SelectMany(directory => new DirectoryInfo(directory).EnumerateFiles()).Where(file => file.Exists)];

        // After the files: a build that began to use one before it was looked at is still running now, or has no need of it any more;
        // one that begins later changes its time, which is looked at again before it is removed.
        DateTimeOffset running = Lease.Oldest(_layout) ?? DateTimeOffset.MaxValue;
        return files
            .Select(file => (file, known: Digest.TryParse($"{file.Directory!.Name}:{file.Name}", out Digest digest), digest))
            .Where(blob => blob.known)
            .Select(blob => new DiskUsage(blob.digest, blob.file.Length, blob.file.LastWriteTimeUtc,
                roots.Contains(blob.digest) || blob.file.LastWriteTimeUtc >= running))
            .OrderBy(blob => blob.LastUsed).ThenBy(blob => blob.Digest)
            .ToImmutableArray();
    });

    /// <param name="roots">Digests that something still refers to (cache records, tags).</param>
    /// <param name="dryRun">Only say what would go.</param>
    public CollectionResult Collect(IReadOnlySet<Digest> roots, CollectionLimits limits, bool dryRun, CancellationToken cancellationToken)
    {
        ImmutableArray<DiskUsage> blobs = List(roots);
        long used = blobs.Sum(blob => blob.Size), target = Target(limits, used);
        DateTimeOffset? keepSince = limits.KeepDuration is { } keep ? time.GetUtcNow() - keep : null;
        var removed = ImmutableArray.CreateBuilder<DiskUsage>();
        var kept = ImmutableArray.CreateBuilder<DiskUsage>();
        foreach (DiskUsage blob in blobs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool take = !blob.InUse && used > target && !(blob.LastUsed >= keepSince) && (dryRun || TryRemove(blob));
            (take ? removed : kept).Add(blob);
            if (take) used -= blob.Size;
        }

        if (!dryRun) RemoveAbandoned();
        return new CollectionResult(removed.ToImmutable(), kept.ToImmutable());
    }

    /// <summary>How much may stay.</summary>
    private long Target(CollectionLimits limits, long used)
    {
        if (limits is { MaxUsedSpace: null, MinFreeSpace: null }) return limits.ReservedSpace ?? 0;
        long target = limits.MaxUsedSpace ?? long.MaxValue;
        if (limits.MinFreeSpace is { } free) target = Math.Min(target, used - (free - Guard(() => _freeSpace(_layout.Root))));
        return Math.Max(target, limits.ReservedSpace ?? 0);
    }

    /// <summary>Removes a blob unless it was used since it was listed.</summary>
    public bool TryRemove(DiskUsage blob) => Guard(() =>
    {
        string path = _layout.BlobPath(blob.Digest);
        using FileLock alone = FileLock.Acquire(_layout.LockFile, exclusive: true);
        if (File.GetLastWriteTimeUtc(path) != blob.LastUsed.UtcDateTime) return false; // someone has begun to use it, or has removed it
        File.Delete(path);
        return true;
    });

    /// <summary>What killed processes left half written. Downloads are kept a while: the next attempt resumes them.</summary>
    public void RemoveAbandoned() => Guard(() =>
    {
        DateTimeOffset old = time.GetUtcNow() - s_keepPartials;
        foreach (FileInfo file in new DirectoryInfo(_layout.Ingest).EnumerateFiles())
        {
            bool download = !file.Name.StartsWith("x-", StringComparison.Ordinal);
            if (!file.Exists || (download && file.Length > 0 && file.LastWriteTimeUtc > old)) continue;
            using FileLock alone = FileLock.Acquire(_layout.LockFile, exclusive: true);
            using FileLock? abandoned = FileLock.TryAcquireExisting(file.FullName);
            if (abandoned is not null) File.Delete(file.FullName);
        }

        return true;
    });

    private T Guard<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, _layout.Root);
        }
    }
}
