using System.Collections.Immutable;

namespace Kimg.Engine.Oci;

/// <summary>OCI image manifest, also Docker's schema 2 (image-spec manifest.md).</summary>
public sealed record Manifest
{
    public required int SchemaVersion { get; init; }

    public string? MediaType { get; init; }

    public string? ArtifactType { get; init; }

    public required Descriptor Config { get; init; }

    public required ImmutableArray<Descriptor> Layers { get; init; }

    public Descriptor? Subject { get; init; }

    public ImmutableSortedDictionary<string, string>? Annotations { get; init; }
}
