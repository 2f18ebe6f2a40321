using System.Collections.Immutable;
using Kimg.Engine.Archive;

namespace Kimg.Engine.Build;

/// <summary>One --output.</summary>
public sealed record OutputSpec
{
    public required OutputType Type { get; init; }

    /// <summary>File or directory; "-" is stdout; null where the type has none.</summary>
    public string? Destination { get; init; }

    /// <summary>type=image: push to the registry of each name.</summary>
    public bool Push { get; init; }

    public bool PushByDigest { get; init; }

    /// <summary>type=oci: a tar (default) or a directory.</summary>
    public bool Tar { get; init; } = true;

    public Compression Compression { get; init; } = Compression.Gzip;

    /// <summary>null: the codec's default.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>Also base layers get <see cref="Compression"/>.</summary>
    public bool ForceCompression { get; init; }

    /// <summary>False: Docker's media types.</summary>
    public bool OciMediaTypes { get; init; } = true;

    /// <summary>Clamp mtimes in new layers to SOURCE_DATE_EPOCH; null: when an epoch is given.</summary>
    public bool? RewriteTimestamp { get; init; }

    /// <summary>name=: names for this output only.</summary>
    public ImmutableArray<string> Names { get; init; } = [];

    public ImmutableArray<Annotation> Annotations { get; init; } = [];
}

public enum OutputType
{
    Image,
    Oci,
    Docker,
    Tar,
    Local,
    CacheOnly,
}
