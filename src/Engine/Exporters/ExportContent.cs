using System.Collections.Immutable;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

/// <summary>A manifest or index and every blob it leads to.</summary>
internal sealed record ExportContent
{
    public required Descriptor Root { get; init; }

    /// <summary>May name a blob more than once.</summary>
    public required ImmutableArray<ExportBlob> Blobs { get; init; }

    /// <summary>The newest time in the images; null when none is known.</summary>
    public Timestamp? Created { get; init; }

    /// <summary>The manifest when the root is a single image.</summary>
    public Manifest? Single { get; init; }
}

/// <param name="Bytes">Null: in the content store, or to be fetched.</param>
internal readonly record struct ExportBlob(Descriptor Descriptor, ReadOnlyMemory<byte>? Bytes);
