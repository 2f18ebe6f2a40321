using System.Collections.Immutable;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

internal sealed record AssembleOptions
{
    /// <summary>False: Docker's media types, which have no annotations.</summary>
    public bool OciMediaTypes { get; init; } = true;

    /// <summary>Later times in configuration and history become this; entries of the base image keep theirs. Seconds since 1970.</summary>
    public long? SourceDateEpoch { get; init; }

    /// <summary>The base image's configuration, to know which history is its own; null: none.</summary>
    public ImageConfig? Base { get; init; }

    /// <summary>On the manifest.</summary>
    public ImmutableSortedDictionary<string, string>? ManifestAnnotations { get; init; }

    /// <summary>On the manifest's descriptor, wherever it is listed.</summary>
    public ImmutableSortedDictionary<string, string>? DescriptorAnnotations { get; init; }

    /// <summary>The document of an inline cache; null: none.</summary>
    public byte[]? InlineCache { get; init; }
}
