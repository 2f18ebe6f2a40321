using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>An image that is somewhere: every manifest of it, read and checked, and where its blobs are.</summary>
/// <param name="Documents">What is referred to before what refers to it; the root is the last.</param>
internal sealed record OpenedImage(string Name, ImmutableArray<ManifestDocument> Documents, IBlobProvider Blobs) : IBlobProvider
{
    /// <summary>The image's name where it has one: the annotation of a layout that it is written to.</summary>
    public ImageReference? Reference { get; init; }

    /// <summary>Images in registries that have (all, or the given) blobs: they are mounted from there.</summary>
    public ImageReference? Registry { get; init; }

    public ImmutableArray<BlobOrigin> Origins { get; init; } = [];

    public ManifestDocument RootDocument => Documents[^1];

    /// <summary>Configurations and layers, each once, without layers that are not distributed with images.</summary>
    public IEnumerable<Descriptor> Contents => Documents.Where(d => d.Manifest is not null).SelectMany(d => d.References)
        .Where(d => d.Urls is not { Length: > 0 } || !RegistryBlobs.IsForeign(d)).DistinctBy(d => d.Digest);

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        Documents.FirstOrDefault(d => d.Descriptor.Digest == descriptor.Digest) is { } document
            ? Task.FromResult<Stream>(new ReadOnlyMemoryStream(document.Bytes[(int)offset..]))
            : Blobs.OpenBlobAsync(descriptor, offset, cancellationToken);

    public async Task<ReadOnlyMemory<byte>> ReadConfigAsync(Descriptor config, CancellationToken cancellationToken)
    {
        await using var blob = new VerifiedStream(await Blobs.OpenBlobAsync(config, 0, cancellationToken), config.Digest, config.Size);
        return await BoundedBody.ReadAsync(blob, config.Size, BoundedBody.Config, $"configuration {config.Digest}", cancellationToken);
    }

    /// <summary>What an index says the manifest is for; null when none does.</summary>
    public Platform? PlatformOf(ManifestDocument document) => Documents.Where(d => d.Index is not null).SelectMany(d => d.Index!.Manifests)
        .FirstOrDefault(d => d.Digest == document.Descriptor.Digest && d.Platform is not null)?.Platform!.ToPlatform();
}
