using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Archive;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>Snapshot → layers of an image: blobs with their diff IDs. What was exported in the same form before is not made again; base layers stay the blobs
/// they are and are not even fetched, unless a form is forced on them.</summary>
internal sealed class LayerChain(IContentStore content, RecordStore<LayerBlobs> records)
{
    public async Task<ImmutableArray<ChainLayer>> CreateAsync(Snapshot snapshot, LayerForm form, CancellationToken cancellationToken)
    {
        using var slots = new SemaphoreSlim(Math.Max(2, Environment.ProcessorCount));
        return [.. await Task.WhenAll(snapshot.Layers.Select(async layer =>
        {
            await slots.WaitAsync(cancellationToken);
            try
            {
                return await CreateAsync(layer, form, cancellationToken);
            }
            finally
            {
                slots.Release();
            }
        }))];
    }

    private async Task<ChainLayer> CreateAsync(SnapshotLayer layer, LayerForm form, CancellationToken cancellationToken)
    {
        if (layer is BlobLayer blob && (!form.Force || Has(blob.Descriptor, form.Compression)))
            return new ChainLayer(blob.Descriptor with { MediaType = Spell(blob.Descriptor.MediaType, form.Oci), Annotations = null, Urls = null }, blob.Id, null, blob);
        long? epoch = layer is BlobLayer ? null : form.Epoch;
        ImmutableArray<LayerBlob> known = records.Find(layer.Id)?.Blobs ?? [];
        LayerBlob? made = known.FirstOrDefault(b => b.Form == form.Name && b.Epoch == epoch && content.Find(b.Digest) == b.Size);
        if (made is null)
        {
            made = await Task.Run(() => WriteAsync(layer, form, epoch, cancellationToken), cancellationToken);
            records.Write(layer.Id, new LayerBlobs([.. known.Where(b => b.Form != form.Name || b.Epoch != epoch), made]));
        }

        return new ChainLayer(Describe(made, form), made.DiffId, layer.Created, null);
    }

    private async Task<LayerBlob> WriteAsync(SnapshotLayer layer, LayerForm form, long? epoch, CancellationToken cancellationToken)
    {
        await using IIngest ingest = content.BeginIngest();
        Digest diffId;
        await using (Stream compressor = Codec.Compress(ingest.Stream, form.Compression, form.Level, leaveOpen: true))
        {
            using var hashing = new HashingStream(compressor, leaveOpen: true);
            if (epoch is { } latest)
            {
                await using var clamp = new TimeClamp(hashing, latest);
                await layer.WriteTarAsync(clamp.Input, cancellationToken);
                await clamp.FinishAsync();
            }
            else
            {
                await layer.WriteTarAsync(hashing, cancellationToken);
            }

            diffId = hashing.CurrentDigest;
        }

        (Digest digest, long size) = await ingest.CommitAsync(null, cancellationToken);
        return new LayerBlob(form.Name, epoch, diffId, digest, size);
    }

    private static Descriptor Describe(LayerBlob made, LayerForm form) => new()
    {
        MediaType = (form.Compression, form.Oci) switch
        {
            (Compression.None, true) => MediaTypes.OciLayer,
            (Compression.None, false) => MediaTypes.DockerLayer,
            (Compression.Zstd, true) => MediaTypes.OciLayerZstd,
            (Compression.Zstd, false) => MediaTypes.DockerLayerZstd,
            (_, true) => MediaTypes.OciLayerGzip,
            (_, false) => MediaTypes.DockerLayerGzip,
        },
        Digest = made.Digest,
        Size = made.Size,
    };

    private static bool Has(Descriptor descriptor, Compression compression) => compression switch
    {
        Compression.Gzip => descriptor.MediaType.EndsWith("gzip", StringComparison.Ordinal),
        Compression.Zstd => descriptor.MediaType.EndsWith("zstd", StringComparison.Ordinal),
        _ => descriptor.MediaType is MediaTypes.OciLayer or MediaTypes.DockerLayer,
    };

    private static string Spell(string mediaType, bool oci) => (mediaType, oci) switch
    {
        (MediaTypes.DockerLayer, true) => MediaTypes.OciLayer,
        (MediaTypes.DockerLayerGzip, true) => MediaTypes.OciLayerGzip,
        (MediaTypes.DockerLayerZstd, true) => MediaTypes.OciLayerZstd,
        (MediaTypes.OciLayer, false) => MediaTypes.DockerLayer,
        (MediaTypes.OciLayerGzip, false) => MediaTypes.DockerLayerGzip,
        (MediaTypes.OciLayerZstd, false) => MediaTypes.DockerLayerZstd,
        _ => mediaType,
    };
}

/// <param name="Base">Set for a layer of a base image, whose blob may not be here.</param>
internal sealed record ChainLayer(Descriptor Descriptor, Digest DiffId, DateTimeOffset? Created, BlobLayer? Base);

/// <summary>How an export wants layers.</summary>
/// <param name="Epoch">Later mtimes in new layers become this, seconds since 1970; null: kept.</param>
internal sealed record LayerForm(Compression Compression, int? Level, bool Force, bool Oci, long? Epoch)
{
    public string Name =>
        string.Create(CultureInfo.InvariantCulture, $"{Compression}:{Level?.ToString(CultureInfo.InvariantCulture) ?? "default"}").ToLowerInvariant();
}
