using System.Collections.Concurrent;
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
/// they are and are not even fetched, unless a form is forced on them. A layer can be begun before the build is over, as soon as it is known.</summary>
internal sealed class LayerChain(IContentStore content, RecordStore<LayerBlobs> records, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(Digest Layer, LayerForm Form), Lazy<Task<LayerBlob>>> _made = new();
    private readonly SemaphoreSlim _slots = new(Math.Max(2, Environment.ProcessorCount));
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Begins to make a layer that the image will have; what goes wrong is told by <c>CreateAsync</c>.</summary>
    public void Begin(SnapshotLayer layer, LayerForm form)
    {
        if (Kept(layer, form) is null) _ = MakeAsync(layer, form);
    }

    /// <summary>What was made is looked for, or made, again.</summary>
    public async Task ForgetAsync()
    {
        await SettleAsync();
        _made.Clear();
    }

    public async Task<ImmutableArray<ChainLayer>> CreateAsync(Snapshot snapshot, LayerForm form) =>
        [.. await Task.WhenAll(snapshot.Layers.Select(layer => CreateAsync(layer, form)))];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await SettleAsync();
        _stop.Dispose();
        _slots.Dispose();
    }

    private async Task SettleAsync()
    {
        try
        {
            await Task.WhenAll(_made.Values.Select(made => made.Value));
        }
        catch (Exception error) when (error is OperationCanceledException or KimgException or IOException)
        {
            // A build that failed elsewhere does not need these layers; one that needs them has been told.
        }
    }

    // A blob that need not be made, because it is one, perhaps elsewhere.
    private static BlobLayer? Kept(SnapshotLayer layer, LayerForm form) => layer switch
    {
        BlobLayer blob when !form.Force || Has(blob.Descriptor, form.Compression) => blob,
        ImportedSnapshotLayer imported when imported.Form == form.Name && imported.Epoch == form.Epoch && Has(imported.Blob.Descriptor, form.Compression) =>
            imported.Blob,
        _ => null,
    };

    /// <summary>One layer as a blob.</summary>
    public async Task<ChainLayer> CreateAsync(SnapshotLayer layer, LayerForm form)
    {
        if (Kept(layer, form) is { } blob)
        {
            string mediaType = MediaTypes.Convert(blob.Descriptor.MediaType, form.Oci);
            return new ChainLayer(blob.Descriptor with { MediaType = mediaType, Annotations = null, Urls = null }, blob.Id, layer.Created, blob);
        }

        LayerBlob made = await MakeAsync(layer, form);
        return new ChainLayer(Describe(made, form), made.DiffId, layer.Created, null);
    }

    private Task<LayerBlob> MakeAsync(SnapshotLayer layer, LayerForm form) =>
        _made.GetOrAdd((layer.StorageId, form), _ => new(() => Task.Run(() => FindOrWriteAsync(layer, form), _stop.Token))).Value;

    private async Task<LayerBlob> FindOrWriteAsync(SnapshotLayer layer, LayerForm form)
    {
        await _slots.WaitAsync(_stop.Token);
        try
        {
            long? epoch = layer is BlobLayer ? null : form.Epoch;
            ImmutableArray<LayerBlob> known = records.Use(layer.StorageId)?.Blobs ?? [];
            if (known.FirstOrDefault(b => b.Form == form.Name && b.Epoch == epoch && content.Find(b.Digest) == b.Size) is { } found) return found;
            LayerBlob made = await WriteAsync(layer, form, epoch, _stop.Token);
            records.Write(layer.StorageId, new LayerBlobs([.. known.Where(b => b.Form != form.Name || b.Epoch != epoch), made]));
            return made;
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<LayerBlob> WriteAsync(SnapshotLayer layer, LayerForm form, long? epoch, CancellationToken stop)
    {
        await using IIngest ingest = content.BeginIngest();
        Digest diffId;
        await using (Stream compressor = Codec.Compress(ingest.Stream, form.Compression, form.Level, leaveOpen: true))
        {
            using var hashing = new HashingStream(compressor, leaveOpen: true);
            if (epoch is { } latest)
            {
                await using var clamp = new TimeClamp(hashing, latest);
                await layer.WriteTarAsync(clamp.Input, stop);
                await clamp.FinishAsync();
            }
            else
            {
                await layer.WriteTarAsync(hashing, stop);
            }

            diffId = hashing.CurrentDigest;
        }

        (Digest digest, long size) = await ingest.CommitAsync(null, stop);
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
}

/// <param name="Base">Set for a layer of a base image or of an imported cache, whose blob may not be here.</param>
internal sealed record ChainLayer(Descriptor Descriptor, Digest DiffId, DateTimeOffset? Created, BlobLayer? Base);

/// <summary>How an export wants layers.</summary>
/// <param name="Epoch">Later mtimes in new layers become this, seconds since 1970; null: kept.</param>
internal sealed record LayerForm(Compression Compression, int? Level, bool Force, bool Oci, long? Epoch)
{
    /// <summary>The form an output wants, for a build with this SOURCE_DATE_EPOCH.</summary>
    public static LayerForm Of(OutputSpec output, long? epoch) => new(
        output.Compression, output.CompressionLevel, output.ForceCompression, output.OciMediaTypes, output.RewriteTimestamp == false ? null : epoch);

    /// <summary>The form of a <see cref="Name"/>; null: it is none.</summary>
    public static LayerForm? TryParse(string name, long? epoch)
    {
        string[] parts = name.Split(':');
        if (parts.Length != 2 || !Enum.TryParse(parts[0], ignoreCase: true, out Compression compression) || !Enum.IsDefined(compression)) return null;
        int? level = int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
        return level is not null || parts[1] == "default" ? new LayerForm(compression, level, Force: false, Oci: true, epoch) : null;
    }

    public string Name =>
        string.Create(CultureInfo.InvariantCulture, $"{Compression}:{Level?.ToString(CultureInfo.InvariantCulture) ?? "default"}").ToLowerInvariant();
}
