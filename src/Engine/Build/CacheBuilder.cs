using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Build;

/// <summary>Results → the document of a cache and the blobs it needs. A layer that several results have is described once.</summary>
internal sealed class CacheBuilder
{
    private readonly List<CachedLayer> _layers = [];
    private readonly List<CachedChain> _chains = [];
    private readonly List<CachedResult> _results = [];
    private readonly Dictionary<Digest, int> _layerAt = [];
    private readonly Dictionary<(int Parent, int Layer), int> _chainAt = [];
    private readonly List<Descriptor> _blobs = [];
    private readonly List<CachedMount> _mounts = [];

    /// <summary>Who has a blob that is not in the store.</summary>
    public Dictionary<Digest, (IBlobProvider? Provider, string? Source)> Elsewhere { get; } = [];

    public ImmutableArray<Descriptor> Blobs => [.. _blobs.DistinctBy(blob => blob.Digest)];

    public ImmutableArray<CachedMountReport> Mounts =>
        [.. _mounts.Select(mount => new CachedMountReport(mount.Id, mount.Size, _blobs.First(blob => blob.Digest == mount.Blob)))];

    public int Results => _results.Count;

    /// <summary>Layers that are named only.</summary>
    public int BaseLayers => _layers.Count(layer => layer.Blob is null);

    /// <param name="made">The layer's blob; null for one of a base image, which is fetched from there.</param>
    public void Add(SnapshotLayer layer, ChainLayer? made, LayerForm form)
    {
        if (_layerAt.ContainsKey(layer.Id)) return;
        _layerAt[layer.Id] = _layers.Count;
        if (made is null)
        {
            _layers.Add(new CachedLayer(layer.Id));
            return;
        }

        _blobs.Add(made.Descriptor);
        if (made.Base is { } blob) Elsewhere[made.Descriptor.Digest] = (blob.Provider, blob.Source);
        bool imported = layer is ImportedSnapshotLayer;
        _layers.Add(new CachedLayer(layer.Id)
        {
            DiffId = made.DiffId,
            Blob = made.Descriptor.Digest,
            Form = layer is ImportedSnapshotLayer from && made.Base is not null ? from.Form : layer is BlobLayer ? "original" : form.Name,
            Epoch = imported && made.Base is not null ? ((ImportedSnapshotLayer)layer).Epoch : form.Epoch,
            Created = layer.Created,
        });
    }

    /// <summary>A result all of whose layers were added.</summary>
    public void Add(Snapshot result, ImmutableArray<Digest> keys)
    {
        int chain = -1;
        foreach (SnapshotLayer layer in result.Layers)
        {
            (int, int) link = (chain, _layerAt[layer.Id]);
            if (!_chainAt.TryGetValue(link, out int known))
            {
                _chainAt[link] = known = _chains.Count;
                _chains.Add(new CachedChain(link.Item1, link.Item2));
            }

            chain = known;
        }

        _results.Add(new CachedResult(chain, keys));
    }

    /// <param name="elsewhere">Who has the blob when the store does not, and the image it belongs to.</param>
    public void AddMount(string id, Descriptor blob, long size, (IBlobProvider Provider, string? Source)? elsewhere)
    {
        if (elsewhere is { } known) Elsewhere[blob.Digest] = known;
        _blobs.Add(blob);
        _mounts.Add(new CachedMount(id, blob.Digest, size));
    }

    public CacheDocument ToDocument(DateTimeOffset? written) => new()
    {
        Format = CacheDocument.CurrentFormat,
        Keys = CacheKey.FormatVersion,
        Written = written,
        Layers = [.. _layers],
        Chains = [.. _chains],
        Results = [.. _results],
        Mounts = _mounts.Count == 0 ? null : [.. _mounts],
    };

    /// <summary>Blobs of the store, or from where they are.</summary>
    public IBlobProvider Provider(IContentStore content) => new Source(content, Elsewhere);

    private sealed class Source(IContentStore content, Dictionary<Digest, (IBlobProvider? Provider, string? Source)> elsewhere) : IBlobProvider
    {
        public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
        {
            if (content.Find(descriptor.Digest) is null && elsewhere.GetValueOrDefault(descriptor.Digest).Provider is { } provider)
                return provider.OpenBlobAsync(descriptor, offset, cancellationToken);
            Stream stream = content.OpenRead(descriptor.Digest);
            if (offset > 0) stream.Seek(offset, SeekOrigin.Begin);
            return Task.FromResult(stream);
        }
    }
}
