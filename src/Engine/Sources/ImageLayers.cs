using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Sources;

/// <summary>Opens layers of images: fetched from where they came from when their bytes are needed and are not here.</summary>
internal sealed class ImageLayers(LayerStorage storage, RegistryClient registry)
{
    /// <summary>All layers of an image, bottom first; nothing is fetched.</summary>
    /// <param name="origins">Layers that an image built here has from others, and did not need to fetch.</param>
    /// <param name="progress">Told a layer's digest, the bytes fetched so far and its size.</param>
    /// <exception cref="KimgException">InvalidManifest: the configuration does not match the manifest.</exception>
    public ImmutableArray<SnapshotLayer> OpenAll(PulledImage image, ImmutableArray<BlobOrigin> origins, Action<string, long, long> progress)
    {
        string own = image.Name.ToString();
        return OpenAll(image.Manifest.Manifest!, image.Config, image.Name.Familiar, progress, blob =>
            origins.FirstOrDefault(origin => origin.Blob == blob) is { } other ? (registry.BlobsOf(ImageReference.Parse(other.Image)), other.Image) : (image.Blobs, own));
    }

    /// <param name="name">For messages.</param>
    /// <param name="whence">Where a layer is to be had, and the image as a reference by which a later build can fetch it; null: none.</param>
    public ImmutableArray<SnapshotLayer> OpenAll(
        Manifest manifest, ImageConfig config, string name, Action<string, long, long> progress, Func<Digest, (IBlobProvider Provider, string? Source)> whence)
    {
        ImmutableArray<Descriptor> blobs = manifest.Layers;
        ImmutableArray<Digest> diffIds = config.Rootfs?.DiffIds ?? [];
        if (blobs.Length != diffIds.Length)
        {
            throw new KimgException(
                ErrorCode.InvalidManifest, $"the manifest of '{name}' has {blobs.Length} layers and its configuration {diffIds.Length}");
        }

        return [.. blobs.Zip(diffIds, SnapshotLayer (blob, diffId) =>
        {
            (IBlobProvider provider, string? source) = whence(blob.Digest);
            return new BlobLayer(blob, diffId, provider, storage) { Source = source, Progress = done => progress(blob.Digest.ToString(), done, blob.Size) };
        })];
    }

    /// <param name="source">The image the layer belongs to, as a reference; null: it is only in the store.</param>
    /// <returns>Null when the blob is neither here nor known to be anywhere.</returns>
    public BlobLayer? Open(Descriptor blob, Digest diffId, string? source)
    {
        ImageReference? reference = source is not null && ImageReference.TryParse(source, out ImageReference? parsed) ? parsed : null;
        if (reference is null && storage.Content.Find(blob.Digest) is null) return null;
        return new BlobLayer(blob, diffId, reference is null ? null : registry.BlobsOf(reference), storage) { Source = source };
    }

    /// <summary>A layer that is somewhere else.</summary>
    /// <param name="source">A reference by which a later build can fetch it; null: none.</param>
    public BlobLayer Open(Descriptor blob, Digest diffId, IBlobProvider provider, string? source) => new(blob, diffId, provider, storage) { Source = source };

    /// <summary>A layer that was exported here, when its blob is still in the store.</summary>
    public BlobLayer? OpenLocal(Digest blob, long size, Digest diffId) => storage.Content.Find(blob) == size
        ? new BlobLayer(new Descriptor { MediaType = MediaTypes.OciLayer, Digest = blob, Size = size }, diffId, null, storage)
        : null;
}
