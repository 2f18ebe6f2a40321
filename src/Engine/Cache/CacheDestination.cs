using System.Collections.Immutable;
using Kimg.Engine.Archive;

namespace Kimg.Engine.Cache;

/// <summary>One --cache-from.</summary>
public sealed record CacheSource(CacheLocation Location)
{
    /// <summary>Take the cache mounts that travel with it.</summary>
    public bool Mounts { get; init; } = true;

    /// <summary>Not used when it was written longer ago; null: any age.</summary>
    public TimeSpan? MaxAge { get; init; }
}

/// <summary>One --cache-to.</summary>
public sealed record CacheDestination(CacheLocation Location)
{
    /// <summary>Also the steps that left nothing in the image.</summary>
    public bool AllSteps { get; init; }

    /// <summary>False: an index, as older builders write it. Registries then may collect the layers of a cache that is in use.</summary>
    public bool ImageManifest { get; init; } = true;

    /// <summary>False: Docker's media types, which only an index can have.</summary>
    public bool OciMediaTypes { get; init; } = true;

    /// <summary>null: layers that the image has as it has them, others by zstd (by gzip with Docker's media types).</summary>
    public Compression? Compression { get; init; }

    /// <summary>By what layers are compressed where nothing else is asked for: Docker's media types have no zstd.</summary>
    public static Compression UsualCompression(bool ociMediaTypes) => ociMediaTypes ? Archive.Compression.Zstd : Archive.Compression.Gzip;

    /// <summary>Of the layers that are compressed for the cache; null: the usual one.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>A cache that cannot be written is a warning; false: an error.</summary>
    public bool IgnoreError { get; init; } = true;

    /// <summary>Cache mounts that travel with it: none when empty, those of this build when it holds "*", else those with these ids.</summary>
    public ImmutableSortedSet<string> Mounts { get; init; } = [];

    /// <summary>A cache mount with more than this many bytes of files stays behind.</summary>
    public long MaxMountSize { get; init; } = 2L << 30;
}
