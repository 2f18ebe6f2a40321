using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>The caches a build imports. All are asked at once; their records are waited for at the first miss. Nothing that is wrong with one can
/// make a build fail: it is told, and that cache is not asked again.</summary>
internal sealed class ImportedCaches : IAsyncDisposable
{
    private readonly BuildServices _services;
    private readonly EventStream _events;
    private readonly ImageResolver _resolver;
    private readonly CancellationTokenSource _stop;
    private readonly Lazy<Task<ImmutableArray<ImportedCache>>> _loading;
    private readonly ConcurrentDictionary<ImportedCache, byte> _dropped = new(), _mounting = new();
    private readonly ConcurrentDictionary<(ImportedCache Cache, Digest Blob, Digest DiffId), BlobLayer> _opened = new();
    private Lazy<Task<ImmutableDictionary<Digest, BlobLayer>>> _bases = new(Task.FromResult(ImmutableDictionary<Digest, BlobLayer>.Empty));

    /// <param name="wanted">Platforms whose images are looked at for inline caches.</param>
    public ImportedCaches(
        BuildServices services, ImmutableArray<(ICacheStore Store, CacheSource Source)> sources, ImmutableArray<Platform> wanted, ImageResolver resolver,
        EventStream events, CancellationToken cancellationToken)
    {
        (_services, _resolver, _events) = (services, resolver, events);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _loading = new(() => LoadAllAsync(sources, wanted));
    }

    /// <summary>Begins to ask; does not wait.</summary>
    public void Begin() => _ = _loading.Value;

    /// <summary>The graphs that are going to be solved: layers of their base images are taken from there, never from a cache.</summary>
    public void Use(ImmutableArray<FrontendResult> lowered) =>
        _bases = new(() => FindBasesAsync(lowered));

    /// <summary>What a cache has under a key, and the other keys it has it under.</summary>
    public async Task<(Snapshot? Snapshot, ImmutableArray<Digest> Keys)> FindAsync(Digest key, CancellationToken cancellationToken)
    {
        foreach (ImportedCache cache in await _loading.Value.WaitAsync(cancellationToken))
        {
            if (_dropped.ContainsKey(cache) || cache.Find(key) is not { } layers) continue;
            if (await OpenAsync(cache, layers) is { } snapshot) return (snapshot, cache.KeysOf(key));
        }

        return (null, []);
    }

    /// <summary>The cache mounts that travel with the caches, in the order in which the caches were named.</summary>
    public async Task<ImmutableArray<(ImportedCache Cache, ImportedMount Mount)>> MountsAsync(CancellationToken cancellationToken)
    {
        IEnumerable<ImportedCache> caches = (await _loading.Value.WaitAsync(cancellationToken))
            .Where(cache => !_dropped.ContainsKey(cache) && _mounting.ContainsKey(cache));
        return [.. caches.SelectMany(cache => cache.Mounts.Select(mount => (cache, mount)))];
    }

    /// <summary>A layer that came from a cache in an earlier build and is here now.</summary>
    public ImportedSnapshotLayer Layer(Digest id, BlobLayer blob, string form, DateTimeOffset? created) =>
        Layer(null, new ImportedLayer(id, blob.Id, blob.Descriptor, form) { Created = created }, blob);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            if (_loading.IsValueCreated) await _loading.Value;
        }
        catch (OperationCanceledException)
        {
            // Nobody has asked for it.
        }

        _stop.Dispose();
    }

    internal static bool IsFailure(Exception error) => error is KimgException or IOException or HttpRequestException or UnauthorizedAccessException;

    /// <summary>Tells that a cache could not be used; the build goes on.</summary>
    internal static void Warn(EventStream events, string what, Exception error) =>
        events.Send(new VertexWarning(events.Now, default, new LintWarning("CacheNotUsed", what, OneLineOf(error), null)));

    private static string OneLineOf(Exception error) => error.Message.ReplaceLineEndings(" ") + (error is KimgException { Hint: { } hint } ? $" ({hint})" : "");

    private async Task<ImmutableArray<ImportedCache>> LoadAllAsync(ImmutableArray<(ICacheStore Store, CacheSource Source)> sources, ImmutableArray<Platform> wanted)
    {
        if (sources.IsEmpty) return [];
        ImmutableArray<ImportedCache>[] loaded = await Task.WhenAll(sources.Select(source => LoadAsync(source.Store, source.Source, wanted)));
        return [.. loaded.SelectMany(caches => caches)];
    }

    private async Task<ImmutableArray<ImportedCache>> LoadAsync(ICacheStore store, CacheSource source, ImmutableArray<Platform> wanted)
    {
        try
        {
            return await _events.RunAsync<ImmutableArray<ImportedCache>>($"importing cache manifest from {store.Name}", async _ =>
            {
                ImmutableArray<ImportedCache> found = await InTimeAsync(store, token => ReadAsync(store, wanted, token));
                foreach (ImportedCache cache in source.Mounts ? found : []) _mounting[cache] = 0;
                return [.. found.Where(cache => !(source.MaxAge is { } age && cache.Written is { } written && _events.Now - written > age))];
            }, IsFailure);
        }
        catch (Exception e) when (IsFailure(e))
        {
            Warn(_events, "A cache could not be imported", e);
            return [];
        }
    }

    private static async Task<ImmutableArray<ImportedCache>> ReadAsync(ICacheStore store, ImmutableArray<Platform> wanted, CancellationToken cancellationToken) =>
        await store.FindAsync(cancellationToken) is { } root ? await ImportedCache.ReadAsync(store, root, wanted, cancellationToken)
            : throw new KimgException(ErrorCode.ImageNotFound, $"there is no cache '{store.Name}' yet");

    // A host that takes the connection and is silent would otherwise be asked for minutes, while no step can run.
    private async Task<T> InTimeAsync<T>(ICacheStore store, Func<CancellationToken, Task<T>> read)
    {
        TimeSpan patience = _services.Options.CachePatience;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(patience);
        try
        {
            return await read(limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!_stop.IsCancellationRequested)
        {
            throw new KimgException(ErrorCode.RegistryUnreachable, $"the cache '{store.Name}' did not answer within {patience.TotalSeconds:0.#} s", e);
        }
    }

    private async Task<Snapshot?> OpenAsync(ImportedCache cache, ImmutableArray<ImportedLayer> layers)
    {
        var opened = new List<SnapshotLayer>(layers.Length);
        foreach (ImportedLayer layer in layers)
        {
            if (layer.Blob is null)
            {
                if (!(await _bases.Value).TryGetValue(layer.Id, out BlobLayer? known)) return null;
                opened.Add(known);
                continue;
            }

            BlobLayer blob = _opened.GetOrAdd(
                (cache, layer.Blob.Digest, layer.DiffId!.Value),
                key => _services.Images.Open(layer.Blob, key.DiffId, new CheckedBlobs(this, cache), cache.Source));
            opened.Add(Layer(cache, layer, blob));
        }

        return new Snapshot([.. opened]);
    }

    private ImportedSnapshotLayer Layer(ImportedCache? cache, ImportedLayer layer, BlobLayer blob) =>
        new(layer.Id, blob, layer.Form!, error => Damaged(cache, blob.Descriptor, error)) { Created = layer.Created, Epoch = layer.Epoch };

    private KimgException Damaged(ImportedCache? cache, Descriptor blob, KimgException error)
    {
        if (error.Code is ErrorCode.DiskFull or ErrorCode.StoragePermission or ErrorCode.StorageFailed or ErrorCode.StoreCorrupt) return error;
        _opened.Clear();
        _services.Content.Remove(blob.Digest);
        if (cache is not null && _dropped.TryAdd(cache, 0)) Warn(_events, $"The cache '{cache.Name}' is not used any more", error);
        string name = cache is null ? "an imported cache" : $"the cache '{cache.Name}'";
        return new KimgException(ErrorCode.StoreCorrupt, $"layer {blob.Digest} of {name} cannot be used: {error.Message}", error);
    }

    // Layers of base images are what this build itself has resolved: their manifests and configurations are here already.
    private async Task<ImmutableDictionary<Digest, BlobLayer>> FindBasesAsync(ImmutableArray<FrontendResult> lowered)
    {
        var found = ImmutableDictionary.CreateBuilder<Digest, BlobLayer>();
        foreach (ImageSourceOp op in CacheSelection.All(lowered.Select(result => result.Root)).Select(vertex => vertex.Op).OfType<ImageSourceOp>())
        {
            ImageReference name = ImageReference.Parse(op.Reference);
            var image = await _resolver.LoadAsync(name, op.Digest, op.Platform, _stop.Token);
            foreach (SnapshotLayer layer in _services.Images.OpenAll(image, _resolver.OriginsOf(name), static (_, _, _) => { }))
            {
                if (layer is BlobLayer blob) found.TryAdd(layer.Id, blob);
            }
        }

        return found.ToImmutable();
    }

    /// <summary>Blobs of a cache: whatever goes wrong with one is damage of the cache, not of what wanted to read it.</summary>
    private sealed class CheckedBlobs(ImportedCaches caches, ImportedCache cache) : IBlobProvider
    {
        public async Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
        {
            try
            {
                Stream blob = await cache.Blobs.OpenBlobAsync(descriptor, offset, cancellationToken);
                return offset > 0 ? blob : new VerifiedStream(
                    blob, descriptor.Digest, descriptor.Size, what => caches.Damaged(cache, descriptor, new KimgException(ErrorCode.DigestMismatch, $"it {what}")));
            }
            catch (KimgException e)
            {
                throw caches.Damaged(cache, descriptor, e);
            }
        }
    }
}
