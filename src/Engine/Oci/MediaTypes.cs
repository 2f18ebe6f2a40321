namespace Kimg.Engine.Oci;

/// <summary>Media types of OCI image-spec 1.1 and of Docker's schema 2.</summary>
public static class MediaTypes
{
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";
    public const string OciEmpty = "application/vnd.oci.empty.v1+json";
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";
    public const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    public const string DockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
    public const string DockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

    public const string OciForeignLayer = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    public const string OciForeignLayerGzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    public const string DockerForeignLayerPlain = "application/vnd.docker.image.rootfs.foreign.diff.tar";

    private static readonly (string Oci, string Docker)[] s_pairs =
    [
        (OciManifest, DockerManifest), (OciIndex, DockerManifestList), (OciConfig, DockerConfig),
        (OciLayer, DockerLayer), (OciLayerGzip, DockerLayerGzip), (OciLayerZstd, DockerLayerZstd),
        (OciForeignLayer, DockerForeignLayerPlain), (OciForeignLayerGzip, DockerForeignLayer),
    ];

    /// <summary>The same in the other family's spelling, or the same when it already is, or has none there.</summary>
    public static string Convert(string mediaType, bool oci)
    {
        foreach ((string ociType, string dockerType) in s_pairs)
            if (mediaType == (oci ? dockerType : ociType)) return oci ? ociType : dockerType;
        return mediaType;
    }

    /// <summary>True for the tar layers of images, of both families.</summary>
    public static bool IsLayer(string mediaType) =>
        s_pairs[3..].Any(p => p.Oci == mediaType || p.Docker == mediaType);

    public static bool IsIndex(string? mediaType) => mediaType is OciIndex or DockerManifestList;

    public static bool IsManifest(string? mediaType) => mediaType is OciManifest or DockerManifest;
}
