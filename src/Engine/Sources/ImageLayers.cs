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
    /// <param name="progress">Told a layer's digest, the bytes fetched so far and its size.</param>
    /// <exception cref="KimgException">InvalidManifest: the configuration does not match the manifest.</exception>
    public ImmutableArray<SnapshotLayer> OpenAll(PulledImage image, Action<string, long, long> progress) =>
        OpenAll(image.Manifest.Manifest!, image.Config, image.Blobs, image.Name.Familiar, image.Name.ToString(), progress);

    /// <param name="name">For messages.</param>
    /// <param name="source">The image as a reference its layers can be fetched by in a later build; null: none.</param>
    public ImmutableArray<SnapshotLayer> OpenAll(
        Manifest manifest, ImageConfig config, IBlobProvider provider, string name, string? source, Action<string, long, long> progress)
    {
        ImmutableArray<Descriptor> blobs = manifest.Layers;
        ImmutableArray<Digest> diffIds = config.Rootfs?.DiffIds ?? [];
        if (blobs.Length != diffIds.Length)
        {
            throw new KimgException(
                ErrorCode.InvalidManifest, $"the manifest of '{name}' has {blobs.Length} layers and its configuration {diffIds.Length}");
        }

        return [.. blobs.Zip(diffIds, (blob, diffId) => new BlobLayer(blob, diffId, provider, storage)
        {
            Source = source,
            Progress = done => progress(blob.Digest.ToString(), done, blob.Size),
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
