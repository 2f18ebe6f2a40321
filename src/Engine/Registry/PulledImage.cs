using Kimg.Engine.Content;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Registry;

/// <summary>An image as far as it is needed to plan with: all but its layers' bytes.</summary>
internal sealed record PulledImage
{
    /// <summary>As asked for.</summary>
    public required ImageReference Name { get; init; }

    /// <summary>What the name stood for: an index, or the manifest itself.</summary>
    public required Descriptor Resolved { get; init; }

    public required ManifestDocument Manifest { get; init; }

    public required ImageConfig Config { get; init; }

    /// <summary>The config's bytes as they are in the registry.</summary>
    public required ReadOnlyMemory<byte> ConfigBytes { get; init; }

    /// <summary>Where the layers are.</summary>
    public required IBlobProvider Blobs { get; init; }
}
