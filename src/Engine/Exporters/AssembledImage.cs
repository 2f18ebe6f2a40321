using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

/// <summary>An image whose bytes are fixed.</summary>
internal sealed record AssembledImage
{
    /// <summary>Of the manifest, with its platform.</summary>
    public required Descriptor Descriptor { get; init; }

    public required Manifest Manifest { get; init; }

    public required ReadOnlyMemory<byte> ManifestBytes { get; init; }

    public required ImageConfig Config { get; init; }

    public required ReadOnlyMemory<byte> ConfigBytes { get; init; }

    /// <summary>The image with all its blobs, to be exported alone.</summary>
    public ExportContent ToContent() => new()
    {
        Root = Descriptor,
        Blobs =
        [
            new ExportBlob(Descriptor, ManifestBytes), new ExportBlob(Manifest.Config, ConfigBytes),
            .. Manifest.Layers.Select(l => new ExportBlob(l, null)),
        ],
        Created = Config.Created,
        Single = Manifest,
    };
}
