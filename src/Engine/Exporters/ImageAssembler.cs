using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>Configuration and layers → the bytes of an image; images → the bytes of an index. Pure: the same input gives the same digests. What is
/// decided here is what BuildKit's image exporter decides.</summary>
internal static class ImageAssembler
{
    private static readonly string[] s_internalAnnotations = ["containerd.io/uncompressed", "buildkit/createdat"];

    /// <param name="config">The frontend's result, without rootfs. Its history pairs with the layers, bottom first.</param>
    /// <param name="layers">Bottom first.</param>
    public static AssembledImage Assemble(ImageConfig config, IReadOnlyList<ExportLayer> layers, AssembleOptions options)
    {
        if (config.Os.Length == 0 || config.Architecture.Length == 0)
            throw new KimgException(ErrorCode.Internal, "the image's configuration has no os or architecture");
        bool oci = options.OciMediaTypes;
        ImmutableArray<HistoryEntry> history = ImageHistory.Normalize(config.History ?? [], layers);
        if (options.SourceDateEpoch is { } epoch) history = ImageHistory.Clamp(history, options.Base?.History ?? [], epoch);
        Timestamp? created = config.Created is { } given
            ? options.SourceDateEpoch is { } latest && given > Timestamp.FromUnixSeconds(latest) ? Timestamp.FromUnixSeconds(latest) : given
            : history.LastOrDefault(h => h.Created is not null)?.Created;
        ImageConfig final = config with
        {
            Created = created,
            History = history,
            Rootfs = new RootFs { DiffIds = [.. layers.Select(l => l.DiffId)] },
            InlineCache = options.InlineCache,
        };
        byte[] configBytes = CanonicalJson.Serialize(final);
        var manifest = new Manifest
        {
            SchemaVersion = 2,
            MediaType = oci ? MediaTypes.OciManifest : MediaTypes.DockerManifest,
            Config = Describe(configBytes, oci ? MediaTypes.OciConfig : MediaTypes.DockerConfig),
            Layers = [.. layers.Select(l => ForManifest(l.Descriptor, oci))],
            Annotations = oci && options.ManifestAnnotations is { IsEmpty: false } annotations ? annotations : null,
        };
        byte[] manifestBytes = CanonicalJson.Serialize(manifest);
        return new AssembledImage
        {
            Descriptor = Describe(manifestBytes, manifest.MediaType) with
            {
                Annotations = options.DescriptorAnnotations is { IsEmpty: false } some ? some : null,
                Platform = new OciPlatform
                {
                    Architecture = final.Architecture, Os = final.Os, OsVersion = final.OsVersion, OsFeatures = final.OsFeatures, Variant = final.Variant,
                },
            },
            Manifest = manifest,
            ManifestBytes = manifestBytes,
            Config = final,
            ConfigBytes = configBytes,
        };
    }

    /// <summary>An index of images, in the order given, then of other manifests (attestations).</summary>
    /// <param name="annotations">On the index.</param>
    /// <param name="descriptorAnnotations">On the index's descriptor.</param>
    /// <param name="more">Manifests that are no images, with all their blobs.</param>
    public static ExportContent Index(
        IReadOnlyList<AssembledImage> images,
        bool ociMediaTypes,
        ImmutableSortedDictionary<string, string>? annotations,
        ImmutableSortedDictionary<string, string>? descriptorAnnotations,
        IReadOnlyList<ExportContent>? more = null)
    {
        ImmutableArray<ExportContent> parts = [.. images.Select(i => i.ToContent()), .. more ?? []];
        var index = new ImageIndex
        {
            SchemaVersion = 2,
            MediaType = ociMediaTypes ? MediaTypes.OciIndex : MediaTypes.DockerManifestList,
            Manifests = [.. parts.Select(p => p.Root)],
            Annotations = ociMediaTypes && annotations is { IsEmpty: false } ? annotations : null,
        };
        byte[] bytes = CanonicalJson.Serialize(index);
        Descriptor root = Describe(bytes, index.MediaType) with { Annotations = descriptorAnnotations is { IsEmpty: false } some ? some : null };
        return new ExportContent
        {
            Root = root,
            Blobs = [new ExportBlob(root, bytes), .. parts.SelectMany(p => p.Blobs)],
            Created = images.Select(i => i.Config.Created).Max(),
        };
    }

    private static Descriptor Describe(byte[] bytes, string mediaType) =>
        new() { MediaType = mediaType, Digest = Digest.Sha256(bytes), Size = bytes.Length };

    private static Descriptor ForManifest(Descriptor layer, bool oci)
    {
        var annotations = layer.Annotations?.Where(a => !s_internalAnnotations.Contains(a.Key)
            && !a.Key.StartsWith("containerd.io/distribution.source.", StringComparison.Ordinal)).ToImmutableSortedDictionary(StringComparer.Ordinal);
        return layer with
        {
            MediaType = MediaTypes.Convert(layer.MediaType, oci),
            Annotations = oci && annotations is { IsEmpty: false } ? annotations : null,
            Platform = null,
            Data = null,
        };
    }
}
