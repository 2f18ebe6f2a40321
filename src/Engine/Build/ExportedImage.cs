using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>An image or index whose bytes are fixed, and where its base layers can be had.</summary>
internal sealed record ExportedImage
{
    public required ImmutableArray<AssembledImage> Images { get; init; }

    public required ExportContent Content { get; init; }

    public required ImmutableArray<ImageReference> References { get; init; }

    public required ImmutableDictionary<Digest, BaseLayer> BaseLayers { get; init; }

    public ImmutableArray<string> Names => [.. References.Select(name => name.ToString())];

    /// <summary>Where the base layers are that need not be here.</summary>
    public ImmutableArray<BlobOrigin> Origins =>
        [.. BaseLayers.Where(layer => layer.Value.Source is not null).Select(layer => new BlobOrigin(layer.Key, layer.Value.Source!)).OrderBy(origin => origin.Blob)];

    /// <summary>Repositories of a registry from which blobs can be mounted, because they were pulled from there.</summary>
    public ImmutableDictionary<Digest, ImmutableArray<string>> MountSources(string registry)
    {
        var sources = ImmutableDictionary.CreateBuilder<Digest, ImmutableArray<string>>();
        foreach ((Digest blob, BaseLayer layer) in BaseLayers)
        {
            if (layer.Source is not null && ImageReference.TryParse(layer.Source, out ImageReference? from) && from!.Registry == registry)
                sources[blob] = [from.Repository];
        }

        return sources.ToImmutable();
    }
}

/// <param name="Source">The image it came from, as a reference; null: unknown.</param>
internal sealed record BaseLayer(IBlobProvider? Provider, string? Source);

/// <summary>The blobs of an export: at hand, from the store, or from where base layers come from.</summary>
internal sealed class ExportBlobs(IContentStore content, ExportedImage image) : IBlobProvider
{
    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        foreach (ExportBlob blob in image.Content.Blobs)
        {
            if (blob.Bytes is { } bytes && blob.Descriptor.Digest == descriptor.Digest)
                return Task.FromResult<Stream>(new ReadOnlyMemoryStream(bytes[(int)offset..]));
        }

        if (content.Find(descriptor.Digest) is null && image.BaseLayers.GetValueOrDefault(descriptor.Digest)?.Provider is { } provider)
            return provider.OpenBlobAsync(descriptor, offset, cancellationToken);
        Stream stream = content.OpenRead(descriptor.Digest);
        if (offset > 0) stream.Seek(offset, SeekOrigin.Begin);
        return Task.FromResult(stream);
    }
}
