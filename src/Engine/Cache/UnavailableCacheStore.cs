using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Answers everything with the reason why there is no such place.</summary>
internal sealed class UnavailableCacheStore(UnavailableCache cache) : ICacheStore, IBlobProvider
{
    public string Name => cache.Name;

    public IBlobProvider Blobs => this;

    public string? Source => null;

    public Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken) => throw cache.Reason;

    public Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken) => throw cache.Reason;

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) => throw cache.Reason;
}
