using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>The solver's cache: records of chains, made into snapshots again while every layer still has some form: a directory, a blob here, or a blob that a
/// registry has. What is not known on this machine is looked for in the caches the build imports; a hit there is recorded here.</summary>
internal sealed class SnapshotCache(
    RecordStore<CacheRecord> records, RecordStore<LayerBlobs> blobs, ImageLayers images, IWorker worker, ImportedCaches imported) : ICacheStorage<OpResult>
{
    private const int MaxKeys = 32;

    public async Task<OpResult?> LoadAsync(Digest key, CancellationToken cancellationToken)
    {
        if (records.Use(key) is { } record && Restore(record) is { } here) return here;
        if (await imported.FindAsync(key, cancellationToken) is not ({ } snapshot, var keys)) return null;
        records.Write(key, Describe(snapshot, [key, .. keys]));
        return snapshot;
    }

    // Of several stages only the last one's layers are in what was found; when something of an earlier one changes, all that it is made from is needed again.
    public void Keep(Digest key)
    {
        if (!records.IsAging(key) || records.Use(key) is not { } record) return;
        foreach (Digest other in record.Keys ?? []) records.Use(other);
        Restore(record);
    }

    public Task SaveAsync(IReadOnlyList<Digest> keys, OpResult result, CancellationToken cancellationToken)
    {
        if (result is not Snapshot snapshot) return Task.CompletedTask;
        CacheRecord record = Describe(snapshot, [.. keys, .. keys.SelectMany(key => KnownKeys(key, snapshot))]);
        foreach (Digest key in keys) records.Write(key, record);
        return Task.CompletedTask;
    }

    /// <summary>All keys known for the result that is recorded under these.</summary>
    public ImmutableArray<Digest> KeysOf(ImmutableArray<Digest> keys, Snapshot result) => [.. keys.Concat(keys.SelectMany(key => KnownKeys(key, result))).Distinct()];

    private IEnumerable<Digest> KnownKeys(Digest key, Snapshot result) =>
        records.Find(key) is { Keys: { } known } record && record.Layers.Select(l => l.Id).SequenceEqual(result.Layers.Select(l => l.Id)) ? known : [];

    private static CacheRecord Describe(Snapshot snapshot, IEnumerable<Digest> keys) => new()
    {
        Layers = [.. snapshot.Layers.Select(Describe)],
        Keys = [.. keys.Distinct().Take(MaxKeys)],
    };

    private static LayerRecord Describe(SnapshotLayer layer)
    {
        var record = new LayerRecord(layer.Id, layer.Created);
        return layer switch
        {
            BlobLayer blob => record with { Blob = blob.Descriptor, Source = blob.Source },
            ImportedSnapshotLayer from => record with { Blob = from.Blob.Descriptor, DiffId = from.StorageId, Form = from.Form },
            _ => record,
        };
    }

    private Snapshot? Restore(CacheRecord record)
    {
        var layers = new List<SnapshotLayer>(record.Layers.Length);
        SnapshotKey? below = null;
        foreach (LayerRecord layer in record.Layers)
        {
            below = SnapshotKey.Of(below, layer.DiffId ?? layer.Id);
            if (RestoreLayer(layer, below.Value) is not { } restored) return null;
            layers.Add(restored);
        }

        return new Snapshot([.. layers]);
    }

    private SnapshotLayer? RestoreLayer(LayerRecord layer, SnapshotKey key)
    {
        if (layer is { DiffId: { } diffId, Blob: { } from })
            return images.Open(from, diffId, null) is { } local ? imported.Layer(layer.Id, local, layer.Form ?? "", layer.Created) : null;
        if (layer.Blob is { } blob) return images.Open(blob, layer.Id, layer.Source);
        if (worker.HasDirectory(key)) return new DirectoryLayer(layer.Id, key, worker) { Created = layer.Created };
        if (blobs.Use(layer.Id) is not { } known) return null;
        foreach (LayerBlob form in known.Blobs.Where(b => b.Epoch is null))
        {
            if (images.OpenLocal(form.Digest, form.Size, form.DiffId) is { } made) return new NamedLayer(layer.Id, made) { Created = layer.Created };
        }

        return null;
    }
}
