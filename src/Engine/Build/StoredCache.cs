using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>A cache that was imported with <c>kimg cache import</c>: all of it is in the store, and every build looks into it.</summary>
internal sealed class StoredCache(IContentStore content, NamedImage image) : ICacheStore, IBlobProvider
{
    public string Name => image.Name;

    public IBlobProvider Blobs => this;

    public string? Source => null;

    public async Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken) => content.Find(image.Root.Digest) is null ? null
        : ManifestDocument.Parse(await content.ReadAsync(image.Root, cancellationToken), image.Root.Digest, image.Root.MediaType, $"cache '{image.Name}'");

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        Stream stream = content.OpenRead(descriptor.Digest);
        if (offset > 0) stream.Seek(offset, SeekOrigin.Begin);
        return Task.FromResult(stream);
    }

    public Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken) =>
        throw new KimgException(ErrorCode.InvalidCacheOption, "an imported cache is not written to");
}
