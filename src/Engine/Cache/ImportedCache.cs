using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Cache;

/// <summary>The records of a cache from elsewhere. Whoever wrote it may be anyone: every reference is checked here, every layer when it is read.</summary>
internal sealed class ImportedCache
{
    private const int MaxEntries = 100_000, MaxDepth = 2_000, MaxKeys = 64;

    private readonly ImmutableArray<ImportedLayer> _layers;
    private readonly ImmutableArray<CachedChain> _chains;
    private readonly Dictionary<Digest, CachedResult> _results = [];
    private readonly ICacheStore _store;

    private ImportedCache(ICacheStore store, CacheDocument document, Func<Digest, Descriptor?> blobOf)
    {
        _store = store;
        if (document.Layers.Length > MaxEntries || document.Chains.Length > MaxEntries || document.Results.Length > MaxEntries) throw Invalid("it is too large");
        _layers = [.. document.Layers.Select(layer => LayerOf(layer, blobOf))];
        _chains = document.Chains;
        var depths = new int[_chains.Length];
        for (int i = 0; i < depths.Length; i++)
        {
            (int parent, int layer) = _chains[i] ?? throw Invalid("a chain is missing");
            if (parent < -1 || parent >= i || layer < 0 || layer >= _layers.Length) throw Invalid("a chain leads nowhere");
            depths[i] = parent < 0 ? 1 : depths[parent] + 1;
            if (depths[i] > MaxDepth) throw Invalid("a chain is too long");
        }

        foreach (CachedResult? result in document.Results)
        {
            bool sound = result is { Keys: { IsDefault: false, Length: <= MaxKeys }, Chain: >= -1 } && result.Chain < _chains.Length;
            if (!sound) throw Invalid("a result leads nowhere");
            foreach (Digest key in result!.Keys) _results.TryAdd(key, result);
        }

        Mounts = [.. (document.Mounts ?? []).Select(mount => MountOf(mount, blobOf))];
        Written = document.Written;
    }

    public string Name => _store.Name;

    public IBlobProvider Blobs => _store.Blobs;

    public string? Source => _store.Source;

    public DateTimeOffset? Written { get; }

    public ImmutableArray<ImportedMount> Mounts { get; }

    public int Results => _results.Values.Distinct().Count();

    /// <summary>Layers that are named only.</summary>
    public int BaseLayers => _layers.Count(layer => layer.Blob is null);

    /// <summary>Layers with a blob.</summary>
    public IEnumerable<ImportedLayer> Layers => _layers.Where(layer => layer.Blob is not null);

    /// <summary>Reads all caches that a root document leads to: one, or one for each image of an index.</summary>
    /// <param name="wanted">Platforms whose images are looked at.</param>
    /// <exception cref="KimgException">It is no cache, or of another version, or damaged.</exception>
    public static async Task<ImmutableArray<ImportedCache>> ReadAsync(
        ICacheStore store, ManifestDocument root, ImmutableArray<Platform> wanted, CancellationToken cancellationToken)
    {
        if (CacheArtifact.FindConfig(root) is { } config)
        {
            byte[] bytes = await ReadBlobAsync(store, config, CacheArtifact.MaxConfig, cancellationToken);
            Dictionary<Digest, Descriptor> blobs = [];
            foreach (Descriptor blob in root.References) blobs.TryAdd(blob.Digest, blob);
            return [Parse(store, bytes, digest => blobs.GetValueOrDefault(digest))];
        }

        if (root.Manifest is not null) return [await InlineAsync(store, root.Manifest, cancellationToken)];
        var found = ImmutableArray.CreateBuilder<ImportedCache>();
        foreach (Descriptor child in root.Index!.Manifests.Where(d => d.Platform?.ToPlatform() is { } platform && wanted.Any(w => w.Matches(platform))))
        {
            byte[] bytes = await ReadBlobAsync(store, child, BoundedBody.Manifest, cancellationToken);
            ManifestDocument image = ManifestDocument.Parse(bytes, child.Digest, child.MediaType, $"manifest {child.Digest}");
            if (image.Manifest is not null) found.Add(await InlineAsync(store, image.Manifest, cancellationToken));
        }

        return found.Count > 0 ? found.ToImmutable() : throw Invalid(store, "it is no cache");
    }

    /// <summary>Other keys of the result recorded under this one.</summary>
    public ImmutableArray<Digest> KeysOf(Digest key) => _results.TryGetValue(key, out CachedResult? result) ? result.Keys : [];

    /// <summary>The layers of the result recorded under a key, bottom first; null when there is none.</summary>
    public ImmutableArray<ImportedLayer>? Find(Digest key)
    {
        if (!_results.TryGetValue(key, out CachedResult? result)) return null;
        var layers = new List<ImportedLayer>();
        for (int at = result.Chain; at >= 0; at = _chains[at].Parent) layers.Add(_layers[_chains[at].Layer]);
        layers.Reverse();
        return [.. layers];
    }

    // The layers of an image are those of its manifest, in order; what the document says of their blobs is not asked for.
    private static async Task<ImportedCache> InlineAsync(ICacheStore store, Manifest manifest, CancellationToken cancellationToken)
    {
        if (manifest.Config.MediaType is not (MediaTypes.OciConfig or MediaTypes.DockerConfig))
            throw Invalid(store, $"it is of type '{OneLine.Of(manifest.Config.MediaType, 100)}'");
        byte[] bytes = await ReadBlobAsync(store, manifest.Config, BoundedBody.Config, cancellationToken);
        ImageConfig? config;
        try
        {
            config = JsonSerializer.Deserialize(bytes, OciJson.Default.ImageConfig);
        }
        catch (JsonException)
        {
            throw Invalid(store, "the configuration of its image is not valid");
        }

        if (config?.InlineCache is not { Length: > 0 } inline) throw Invalid(store, "the image has no inline cache", "build it with --cache-to type=inline");
        return Parse(store, inline, digest => manifest.Layers.FirstOrDefault(layer => layer.Digest == digest));
    }

    private static ImportedCache Parse(ICacheStore store, byte[] bytes, Func<Digest, Descriptor?> blobOf)
    {
        try
        {
            // What stands first decides whether the rest can be understood.
            using (var version = JsonDocument.Parse(bytes))
            {
                if (version.RootElement.ValueKind != JsonValueKind.Object) throw Invalid(store, "it is not an object");
                bool known = version.RootElement.TryGetProperty("format", out JsonElement format) && format.ValueKind == JsonValueKind.Number
                    && format.TryGetInt32(out int number) && number == CacheDocument.CurrentFormat
                    && version.RootElement.TryGetProperty("keys", out JsonElement keys) && keys.ValueKind == JsonValueKind.String
                    && keys.ValueEquals(CacheKey.FormatVersion);
                if (!known) throw Invalid(store, "it was written by another version of kimg", "it is replaced by the next --cache-to");
            }

            CacheDocument document = JsonSerializer.Deserialize(bytes, CacheDocumentJson.Default.CacheDocument) ?? throw Invalid(store, "it is null");
            if (document.Layers.IsDefault || document.Chains.IsDefault || document.Results.IsDefault) throw Invalid(store, "a list is missing");
            return new ImportedCache(store, document, blobOf);
        }
        catch (JsonException)
        {
            throw Invalid(store, "its list of steps is not valid");
        }
    }

    private static async Task<byte[]> ReadBlobAsync(ICacheStore store, Descriptor descriptor, int limit, CancellationToken cancellationToken)
    {
        if (descriptor.Size > limit) throw Invalid(store, $"a document of it has {descriptor.Size} bytes");
        await using var blob = new VerifiedStream(await store.Blobs.OpenBlobAsync(descriptor, 0, cancellationToken), descriptor.Digest, descriptor.Size);
        return await BoundedBody.ReadAsync(blob, descriptor.Size, limit, $"blob {descriptor.Digest}", cancellationToken);
    }

    private ImportedLayer LayerOf(CachedLayer? layer, Func<Digest, Descriptor?> blobOf)
    {
        if (layer is null || layer.Id == default) throw Invalid("a layer is missing");
        if (layer.Blob is not { } digest) return new ImportedLayer(layer.Id, null, null, null) { Created = layer.Created };
        if (layer.DiffId is not { } diffId || diffId == default || layer.Form is not { Length: > 0 and < 64 } form) throw Invalid("a layer is not described");
        Descriptor blob = blobOf(digest) ?? throw Invalid($"layer {digest} is not in the manifest");
        if (!MediaTypes.IsLayer(blob.MediaType)) throw Invalid($"'{OneLine.Of(blob.MediaType, 100)}' is no layer");
        blob = blob with { Urls = null, Data = null, Annotations = null, Platform = null };
        return new ImportedLayer(layer.Id, diffId, blob, form) { Epoch = layer.Epoch, Created = layer.Created };
    }

    private ImportedMount MountOf(CachedMount? mount, Func<Digest, Descriptor?> blobOf)
    {
        if (mount?.Id is not { Length: > 0 and < 4096 } || mount.Size < 0) throw Invalid("a cache mount is not described");
        Descriptor blob = blobOf(mount.Blob) ?? throw Invalid($"cache mount {mount.Blob} is not in the manifest");
        return new ImportedMount(mount.Id, blob with { Urls = null, Data = null }, mount.Size);
    }

    private KimgException Invalid(string why) => Invalid(_store, why);

    private static KimgException Invalid(ICacheStore store, string why, string? hint = null) =>
        new(ErrorCode.InvalidManifest, $"the cache '{store.Name}' cannot be used: {why}") { Hint = hint };
}

/// <param name="DiffId">null together with <paramref name="Blob"/>: a layer of a base image, whose id is its diff ID.</param>
internal sealed record ImportedLayer(Digest Id, Digest? DiffId, Descriptor? Blob, string? Form)
{
    public long? Epoch { get; init; }

    public DateTimeOffset? Created { get; init; }
}

/// <param name="Size">Bytes of its files, as its writer says.</param>
internal sealed record ImportedMount(string Id, Descriptor Blob, long Size);
