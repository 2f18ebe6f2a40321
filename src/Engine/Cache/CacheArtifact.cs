using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>A cache as an OCI artifact: a manifest (or an index) that lists every layer, so that a registry keeps them, and the document as its configuration.</summary>
internal sealed record CacheArtifact(ManifestDocument Root, ReadOnlyMemory<byte> Config, ImmutableArray<Descriptor> Blobs)
{
    public const string ConfigType = "application/vnd.kimg.cache.config.v1+json";
    public const string MountType = "application/vnd.kimg.cache.mount.v1.tar+zstd";
    public const int MaxConfig = 32 << 20;
    private const string MountId = "dev.kimg.cache.mount.id";

    /// <summary>The configuration's descriptor.</summary>
    public Descriptor ConfigDescriptor => Root.Manifest?.Config ?? Root.Index!.Manifests[^1];

    /// <param name="blobs">Layers and mounts, each once.</param>
    public static CacheArtifact Create(CacheDocument document, ImmutableArray<Descriptor> blobs, bool imageManifest, bool oci)
    {
        byte[] config = Encode(document);
        var described = new Descriptor { MediaType = ConfigType, Digest = Digest.Sha256(config), Size = config.Length };
        ImmutableArray<Descriptor> listed = [.. blobs.Select(blob => blob with { MediaType = MediaTypes.Convert(blob.MediaType, oci) })];
        byte[] bytes = imageManifest
            ? CanonicalJson.Serialize(new Manifest
            {
                SchemaVersion = 2,
                MediaType = MediaTypes.OciManifest,
                Config = described,
                // The image specification wants at least one, and some registries insist.
                Layers = listed.IsEmpty ? [Empty] : listed,
            })
            : CanonicalJson.Serialize(new ImageIndex
            {
                SchemaVersion = 2, MediaType = oci ? MediaTypes.OciIndex : MediaTypes.DockerManifestList, Manifests = [.. listed, described],
            });
        ManifestDocument root = ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, "cache manifest");
        return new CacheArtifact(root, config, imageManifest && listed.IsEmpty ? [Empty] : listed);
    }

    public static byte[] Encode(CacheDocument document) => JsonSerializer.SerializeToUtf8Bytes(document, CacheDocumentJson.Default.CacheDocument);

    /// <summary>The descriptor of a cache mount's tar.</summary>
    public static Descriptor DescribeMount(string id, Digest digest, long size) => new()
    {
        MediaType = MountType,
        Digest = digest,
        Size = size,
        Annotations = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(MountId, id),
    };

    /// <summary>The descriptor of a cache's configuration in its manifest or index; null: it is no cache.</summary>
    public static Descriptor? FindConfig(ManifestDocument root) => root.Manifest is { } manifest
        ? manifest.Config.MediaType == ConfigType ? manifest.Config : null
        : root.Index!.Manifests.FirstOrDefault(d => d.MediaType == ConfigType);

    /// <summary>Everything but the root, for whoever writes it: the configuration is at hand, the rest comes from elsewhere.</summary>
    public IBlobProvider With(IBlobProvider blobs) => new Contents(this, blobs);

    private static Descriptor Empty { get; } = new() { MediaType = MediaTypes.OciEmpty, Digest = Digest.Sha256("{}"), Size = 2 };

    private sealed class Contents(CacheArtifact artifact, IBlobProvider blobs) : IBlobProvider
    {
        public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
        {
            if (descriptor.Digest == artifact.Root.Descriptor.Digest) return Bytes(artifact.Root.Bytes);
            if (descriptor.Digest == artifact.ConfigDescriptor.Digest) return Bytes(artifact.Config);
            return descriptor.Digest == Empty.Digest ? Bytes("{}"u8.ToArray()) : blobs.OpenBlobAsync(descriptor, offset, cancellationToken);

            Task<Stream> Bytes(ReadOnlyMemory<byte> known) => Task.FromResult<Stream>(new ReadOnlyMemoryStream(known[(int)offset..]));
        }
    }
}
