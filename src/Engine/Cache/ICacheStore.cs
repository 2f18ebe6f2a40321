using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>A place where cache artifacts are kept. Any failure is a <see cref="KimgException"/>.</summary>
internal interface ICacheStore
{
    /// <summary>For messages, without secrets.</summary>
    string Name { get; }

    /// <summary>Blobs of what is read. They are not checked here.</summary>
    IBlobProvider Blobs { get; }

    /// <summary>An image reference by which the blobs can be had again in a later build; null: none.</summary>
    string? Source { get; }

    /// <summary>The root document: of a cache, or of an image that may hold one; null when there is nothing.</summary>
    Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken);

    /// <summary>Sends what the store does not have, then makes the artifact the current one.</summary>
    Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken);
}

/// <summary>What goes with an artifact on its way.</summary>
internal sealed record CacheUpload
{
    /// <summary>Has every blob of the artifact.</summary>
    public required IBlobProvider Blobs { get; init; }

    /// <summary>Repositories of a registry that have a blob.</summary>
    public required Func<string, Digest, IEnumerable<string>> MountFrom { get; init; }

    /// <summary>Told the bytes of a blob so far.</summary>
    public required Action<Descriptor, long> Progress { get; init; }
}
