using System.Collections.Immutable;

namespace Kimg.Engine.Oci;

/// <summary>OCI image index, also Docker's manifest list (image-spec image-index.md).</summary>
public sealed record ImageIndex
{
    public required int SchemaVersion { get; init; }

    public string? MediaType { get; init; }

    public string? ArtifactType { get; init; }

    public required ImmutableArray<Descriptor> Manifests { get; init; }

    public Descriptor? Subject { get; init; }

    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }
}
