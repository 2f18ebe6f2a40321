using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Oci;

/// <summary>OCI content descriptor (image-spec descriptor.md). <see cref="Size"/> in bytes.</summary>
public sealed record Descriptor
{
    public required string MediaType { get; init; }

    public required Digest Digest { get; init; }

    public required long Size { get; init; }

    public ImmutableArray<string>? Urls { get; init; }

    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }

    /// <summary>Embedded content, base64 in JSON; never trusted without checking it against the digest.</summary>
    public byte[]? Data { get; init; }

    public OciPlatform? Platform { get; init; }

    public string? ArtifactType { get; init; }
}
