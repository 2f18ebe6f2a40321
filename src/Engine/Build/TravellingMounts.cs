using System.Collections.Concurrent;
using Kimg.Engine.Archive;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Cache mounts that come with imported caches, and go with exported ones. Whatever goes wrong is a warning: a build never depends on what is in a
/// cache mount.</summary>
internal sealed class TravellingMounts(BuildServices services, ImportedCaches imported, EventStream events)
{
    // More than any exporter lets travel unless it is told to.
    private const long MaxRestored = 16L << 30;

    private readonly ConcurrentDictionary<string, Lazy<Task>> _restored = new();

    /// <summary>Called when a step is about to use a cache mount: fills it from a cache if there is nothing in it here.</summary>
    /// <param name="directory">Where it is; held by the caller.</param>
    public Task RestoreAsync(CacheMount mount, string directory, CancellationToken cancellationToken) =>
        _restored.GetOrAdd(directory, _ => new Lazy<Task>(() => RestoreOnceAsync(mount, directory, cancellationToken))).Value;

    /// <summary>The ids of the cache mounts that the steps of a graph have.</summary>
    public static string[] IdsOf(IEnumerable<Vertex> vertices) =>
        [.. vertices.Select(vertex => vertex.Op).OfType<ExecOp>().SelectMany(op => op.Mounts).OfType<CacheMount>().Select(mount => mount.Id).Distinct()];

    /// <summary>Those mounts that a destination wants, as blobs. One that is not here but came with an imported cache goes on as it is.</summary>
    public async Task AddToAsync(CacheBuilder cache, CacheDestination destination, string[] ids, WorkItem item, CancellationToken cancellationToken)
    {
        if (destination.Mounts.IsEmpty) return;
        foreach (string unknown in destination.Mounts.Where(id => id != "*" && !ids.Contains(id)))
        {
            string known = ids.Length == 0 ? "there is no cache mount" : "there are " + string.Join(", ", ids.Order(StringComparer.Ordinal));
            ImportedCaches.Warn(events, $"mounts={unknown} names no cache mount", new KimgException(ErrorCode.InvalidCacheOption, known));
        }

        foreach (string id in ids.Where(id => destination.Mounts.Contains("*") || destination.Mounts.Contains(id)).Order(StringComparer.Ordinal))
        {
            try
            {
                if (await SaveAsync(id, destination.MaxMountSize, cancellationToken) is { } saved)
                {
                    item.Say($"saved cache mount {id}: {saved.Size} bytes in {saved.Blob.Size}");
                    cache.AddMount(id, saved.Blob, saved.Size, null);
                }
                else if ((await imported.MountsAsync(cancellationToken)).FirstOrDefault(m => m.Mount.Id == id) is { Mount: { } known, Cache: { } from })
                {
                    if (known.Size > destination.MaxMountSize) throw MountArchives.TooLarge(known.Size, destination.MaxMountSize);
                    cache.AddMount(id, known.Blob, known.Size, (from.Blobs, from.Source));
                }
            }
            catch (Exception e) when (ImportedCaches.IsFailure(e))
            {
                ImportedCaches.Warn(events, $"The cache mount '{id}' stays behind", e);
            }
        }
    }

    private async Task RestoreOnceAsync(CacheMount mount, string directory, CancellationToken cancellationToken)
    {
        if (HasFiles(directory)) return;
        foreach ((ImportedCache cache, ImportedMount known) in await imported.MountsAsync(cancellationToken))
        {
            if (known.Id != mount.Id) continue;
            try
            {
                await events.RunAsync($"restoring cache mount {mount.Id} from {cache.Name}", async item =>
                {
                    await LoadAsync(mount, directory, cache, known, item, cancellationToken);
                    return true;
                });
                return;
            }
            catch (Exception e) when (ImportedCaches.IsFailure(e))
            {
                ImportedCaches.Warn(events, $"The cache mount '{mount.Id}' begins empty", e);
            }
        }
    }

    private Task LoadAsync(CacheMount mount, string directory, ImportedCache cache, ImportedMount known, WorkItem item, CancellationToken cancellationToken) =>
        services.Worker.LoadMountAsync(
            new StoredMount(directory, mount.Mode, (uint)mount.Uid, (uint)mount.Gid),
            Math.Min(known.Size, MaxRestored),
            async (pipe, token) =>
            {
                Stream packed = await cache.Blobs.OpenBlobAsync(known.Blob, 0, token);
                await using var verified = new VerifiedStream(packed, known.Blob.Digest, known.Blob.Size);
                await using Stream tar = Codec.Decompress(verified, leaveOpen: true);
                item.Report($"loading {known.Blob.Digest}", 0, known.Blob.Size);
                await tar.CopyToAsync(pipe, 128 << 10, token);
                await verified.CopyToAsync(Stream.Null, token); // what the codec did not need counts for the digest too
                item.Report($"loading {known.Blob.Digest}", known.Blob.Size, known.Blob.Size);
            },
            cancellationToken);

    private async Task<(Descriptor Blob, long Size)?> SaveAsync(string id, long maxSize, CancellationToken cancellationToken)
    {
        string directory = CacheMountLock.DirectoryOf(services.State.Mounts, id);
        if (!HasFiles(directory)) return null;
        // A step of another build may be writing there: half of a file is worse than nothing.
        using FileLock held = FileLock.TryAcquire(directory + ".lock", exclusive: true)
            ?? throw new KimgException(ErrorCode.StorageFailed, "another build is using it");
        await using IIngest ingest = services.Content.BeginIngest();
        long size;
        await using (Stream compressor = Codec.Compress(ingest.Stream, Compression.Zstd, null, leaveOpen: true))
        {
            using var counting = new HashingStream(compressor, leaveOpen: true);
            await services.Worker.SaveMountAsync(directory, maxSize, counting, cancellationToken);
            size = counting.Count;
        }

        (Digest digest, long packed) = await ingest.CommitAsync(null, cancellationToken);
        return (CacheArtifact.DescribeMount(id, digest, packed), size);
    }

    // One that may not be looked into belongs to somebody, so there is something.
    private static bool HasFiles(string directory)
    {
        try
        {
            return Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any();
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
    }
}
