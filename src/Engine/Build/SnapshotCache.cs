using Kimg.Engine.Cache;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>The solver's cache on this machine: records of chains, made into snapshots again while every layer still has some form: a
/// directory, a blob here, or a blob that a registry has.</summary>
internal sealed class SnapshotCache(RecordStore<CacheRecord> records, RecordStore<LayerBlobs> blobs, ImageLayers images, IWorker worker) : ICacheStorage<OpResult>
{
    public Task<OpResult?> LoadAsync(Digest key, CancellationToken cancellationToken) =>
        Task.FromResult<OpResult?>(records.Find(key) is { } record ? Restore(record) : null);

    public Task SaveAsync(IReadOnlyList<Digest> keys, OpResult result, CancellationToken cancellationToken)
    {
        if (result is not Snapshot snapshot) return Task.CompletedTask;
        var record = new CacheRecord { Layers = [.. snapshot.Layers.Select(Describe)] };
        foreach (Digest key in keys) records.Write(key, record);
        return Task.CompletedTask;
    }

    private static LayerRecord Describe(SnapshotLayer layer) => layer is BlobLayer blob
        ? new LayerRecord(layer.Id, layer.Created) { Blob = blob.Descriptor, Source = blob.Source }
        : new LayerRecord(layer.Id, layer.Created);

    private Snapshot? Restore(CacheRecord record)
    {
        var layers = new List<SnapshotLayer>(record.Layers.Length);
        SnapshotKey? below = null;
        foreach (LayerRecord layer in record.Layers)
        {
            below = SnapshotKey.Of(below, layer.Id);
            if (RestoreLayer(layer, below.Value) is not { } restored) return null;
            layers.Add(restored);
        }

        return new Snapshot([.. layers]);
    }

    private SnapshotLayer? RestoreLayer(LayerRecord layer, SnapshotKey key)
    {
        if (layer.Blob is { } blob) return images.Open(blob, layer.Id, layer.Source);
        if (worker.HasDirectory(key)) return new DirectoryLayer(layer.Id, key, worker) { Created = layer.Created };
        if (blobs.Find(layer.Id) is not { } known) return null;
        foreach (LayerBlob form in known.Blobs.Where(b => b.Epoch is null))
        {
            if (images.OpenLocal(form.Digest, form.Size, form.DiffId) is { } local) return new NamedLayer(layer.Id, local) { Created = layer.Created };
        }

        return null;
    }
}
