using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Cache;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Caches without a build: everything this machine knows to somewhere, all of a cache to this machine, and looking into one.</summary>
public sealed class CacheCommands : IAsyncDisposable
{
    private readonly BuildServices _services;

    private CacheCommands(BuildServices services) => _services = services;

    public static CacheCommands Create(BuilderOptions options) => new(BuildServices.Create(options));

    /// <summary>Writes every result of this state directory that is still whole.</summary>
    public async Task<CacheReport> ExportAsync(CacheDestination destination, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        if (destination.Location is UnavailableCache unavailable) throw unavailable.Reason;
        using FileLock building = FileLock.Acquire(_services.State.BuildsLock, exclusive: false);
        var events = new EventStream(observer, _services.Options.Time);
        ICacheStore store = CacheStores.Open(_services, "all", destination.Location);
        return await events.RunAsync($"exporting cache to {store.Name}", async item =>
        {
            await using var layers = new LayerChain(_services.Content, _services.LayerBlobs, cancellationToken);
            Compression compression = destination.Compression ?? (destination.OciMediaTypes ? Compression.Zstd : Compression.Gzip);
            var form = new LayerForm(compression, destination.CompressionLevel, Force: false, Oci: true, Epoch: null);
            CacheBuilder builder = await CollectAsync(layers, form, events, cancellationToken);
            ImmutableArray<Descriptor> steps = builder.Blobs;
            await using ImportedCaches none = NoCaches(events, cancellationToken);
            await new TravellingMounts(_services, none, events).AddToAsync(
                builder, destination, [.. CacheMountLock.IdsIn(_services.State.Mounts)], item, cancellationToken);
            CacheArtifact artifact = CacheArtifact.Create(builder.ToDocument(events.Now), builder.Blobs, destination.ImageManifest, destination.OciMediaTypes);
            await store.WriteAsync(
                artifact,
                new CacheUpload
                {
                    Blobs = builder.Provider(_services.Content),
                    MountFrom = static (_, _) => [],
                    Progress = (blob, bytes) => item.Report($"writing layer {blob.Digest}", bytes, blob.Size),
                },
                cancellationToken);
            return new CacheReport(store.Name, events.Now, builder.Results, steps, builder.BaseLayers, builder.Mounts);
        });
    }

    /// <summary>Fetches a cache with all its layers; from now on every build here looks into it, until it is pruned or imported again.</summary>
    public async Task<CacheReport> ImportAsync(CacheLocation location, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        var events = new EventStream(observer, _services.Options.Time);
        ICacheStore store = CacheStores.Open(_services, "all", location);
        return await events.RunAsync($"importing cache from {store.Name}", async item =>
        {
            (ManifestDocument root, ImmutableArray<ImportedCache> caches) = await ReadAsync(store, location, cancellationToken);
            var wanted = root.References.ToList();
            foreach (Descriptor child in root.References.Where(d => MediaTypes.IsManifest(d.MediaType)))
            {
                await _services.Content.EnsureAsync(child, store.Blobs, null, cancellationToken);
                ReadOnlyMemory<byte> bytes = await _services.Content.ReadAsync(child, cancellationToken);
                wanted.AddRange(ManifestDocument.Parse(bytes, child.Digest, child.MediaType, $"manifest {child.Digest}").References);
            }

            var options = new ParallelOptions { MaxDegreeOfParallelism = _services.Registry.Options.ParallelTransfers, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(wanted.DistinctBy(d => d.Digest), options, async (blob, token) =>
                await _services.Content.EnsureAsync(blob, store.Blobs, bytes => item.Report($"fetching {blob.Digest}", bytes, blob.Size), token));
            await _services.Content.WriteAsync(root.Bytes, cancellationToken);
            _services.Imported.Write(Digest.Sha256(store.Name), new NamedImage(store.Name, root.Descriptor, Local: true));
            return Report(store.Name, caches);
        });
    }

    public async Task<CacheReport> InspectAsync(CacheLocation location, CancellationToken cancellationToken = default)
    {
        ICacheStore store = CacheStores.Open(_services, "all", location);
        return Report(store.Name, (await ReadAsync(store, location, cancellationToken)).Caches);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static async Task<(ManifestDocument Root, ImmutableArray<ImportedCache> Caches)> ReadAsync(
        ICacheStore store, CacheLocation location, CancellationToken cancellationToken)
    {
        ManifestDocument root = await store.FindAsync(cancellationToken) 
            ?? throw new KimgException(ErrorCode.ImageNotFound, $"there is no cache '{store.Name}'") { Hint = CacheStores.NameHint(location) };
        Platform[] all = [.. root.Index?.Manifests.Select(d => d.Platform?.ToPlatform()).OfType<Platform>().Where(p => p.Os != "unknown") ?? []];
        return (root, await ImportedCache.ReadAsync(store, root, [.. all], cancellationToken));
    }

    private static CacheReport Report(string name, ImmutableArray<ImportedCache> caches) => new(
        name,
        caches.Max(cache => cache.Written),
        caches.Sum(cache => cache.Results),
        [.. caches.SelectMany(cache => cache.Layers).Select(layer => layer.Blob!).DistinctBy(blob => blob.Digest)],
        caches.Sum(cache => cache.BaseLayers),
        [.. caches.SelectMany(cache => cache.Mounts).Select(mount => new CachedMountReport(mount.Id, mount.Size, mount.Blob))]);

    private ImportedCaches NoCaches(EventStream events, CancellationToken cancellationToken) =>
        new(_services, [], [], new ImageResolver(_services.Registry, _services.Content, _services.Names, pull: false), events, cancellationToken);

    private async Task<CacheBuilder> CollectAsync(LayerChain layers, LayerForm form, EventStream events, CancellationToken cancellationToken)
    {
        await using ImportedCaches none = NoCaches(events, cancellationToken);
        var cache = new SnapshotCache(_services.Records, _services.LayerBlobs, _services.Images, _services.Worker, none);
        var builder = new CacheBuilder();
        var results = new Dictionary<Digest, (Snapshot Snapshot, List<Digest> Keys)>();
        foreach ((Digest key, _) in _services.Records.List().OrderBy(record => record.Key))
        {
            if (await cache.LoadAsync(key, cancellationToken) is not Snapshot snapshot) continue;
            if (!results.TryGetValue(snapshot.Id, out (Snapshot Snapshot, List<Digest> Keys) known)) results[snapshot.Id] = known = (snapshot, []);
            known.Keys.Add(key);
        }

        HashSet<Digest> lost = [];
        foreach (SnapshotLayer layer in results.Values.SelectMany(result => result.Snapshot.Layers).DistinctBy(layer => layer.Id))
        {
            try
            {
                builder.Add(layer, layer is BlobLayer { Source: not null } ? null : await layers.CreateAsync(layer, form), form);
            }
            catch (KimgException e) when (e.Code == ErrorCode.StoreCorrupt)
            {
                lost.Add(layer.Id);
                ImportedCaches.Warn(events, "A layer stays behind", e);
            }
        }

        foreach ((Snapshot snapshot, List<Digest> keys) in results.Values.Where(result => !result.Snapshot.Layers.Any(layer => lost.Contains(layer.Id))))
            builder.Add(snapshot, [.. keys]);
        return builder;
    }
}
