using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

public sealed record BuildResult
{
    /// <summary>Manifest or index; null when nothing asked for an image (cacheonly, local, tar).</summary>
    public Descriptor? Root { get; init; }

    /// <summary>Digest of the configuration of the (only) platform's image; null for several.</summary>
    public Digest? ImageId { get; init; }

    public ImmutableArray<string> Names { get; init; } = [];

    public ImmutableArray<LintWarning> Warnings { get; init; } = [];

    /// <summary>Vertices taken from the cache and all vertices.</summary>
    public int CachedVertices { get; init; }

    public int TotalVertices { get; init; }
}
