using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Archive;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>Writes an OCI layout as one tar; as a Docker archive it also has <c>manifest.json</c>, which <c>docker load</c>, podman and skopeo
/// read. Entries are sorted, times zero, owners root: the same image gives the same bytes.</summary>
internal sealed class ImageArchiveWriter(BlobSource blobs)
{
    /// <param name="output">Stays open.</param>
    /// <param name="docker">A Docker archive, which holds one image.</param>
    public async Task WriteAsync(
        ExportContent content, IReadOnlyList<ImageReference> names, bool docker, Stream output, CancellationToken cancellationToken)
    {
        if (docker && content.Single is null)
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, "a docker archive cannot hold an image of several platforms")
            {
                Hint = "use type=oci, or build one platform at a time",
            };
        }

        await blobs.EnsureAsync(content.Blobs, cancellationToken);
        var tar = new TarWriter(output);
        ExportBlob[] sorted = [.. content.Blobs.DistinctBy(b => b.Descriptor.Digest).OrderBy(b => b.Descriptor.Digest)];
        tar.WriteEntry(Directory("blobs"));
        foreach (IGrouping<string, ExportBlob> algorithm in sorted.GroupBy(b => b.Descriptor.Digest.Algorithm))
        {
            tar.WriteEntry(Directory("blobs/" + algorithm.Key));
            foreach (ExportBlob blob in algorithm)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await using Stream source = blobs.Open(blob);
                tar.WriteEntry(File(BlobPath(blob.Descriptor.Digest), blob.Descriptor.Size, 0x124), source);
            }
        }

        Add(tar, "index.json", CanonicalJson.SerializeCompact(LayoutIndex.Add(LayoutIndex.Empty, content, names)), 0x1A4);
        if (docker) Add(tar, "manifest.json", DockerManifest(content.Single!, names), 0x1A4);
        Add(tar, "oci-layout", LayoutIndex.LayoutFile, 0x124);
        tar.Finish();
    }

    private static byte[] DockerManifest(Manifest manifest, IReadOnlyList<ImageReference> names) => JsonSerializer.SerializeToUtf8Bytes(
        [
            new DockerArchiveItem(
                BlobPath(manifest.Config.Digest),
                names.Count == 0 ? null : [.. names.Select(n => n.Familiar)],
                [.. manifest.Layers.Select(l => BlobPath(l.Digest))]),
        ], DockerArchiveJson.Default.DockerArchiveItemArray);

    private static string BlobPath(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private static void Add(TarWriter tar, string name, byte[] bytes, int mode) => tar.WriteEntry(File(name, bytes.Length, mode), bytes);

    private static TarEntry File(string name, long size, int mode) => Entry(name, EntryType.File, mode) with { Size = size };

    private static TarEntry Directory(string name) => Entry(name, EntryType.Directory, 0x1ED);

    private static TarEntry Entry(string name, EntryType type, int mode) => new() { Path = ImagePath.Trusted(name), Type = type, Mode = mode };
}

/// <summary>An item of <c>manifest.json</c> (moby image-spec v1.2). Without names RepoTags is null, as Docker writes it.</summary>
internal sealed record DockerArchiveItem(string Config, string[]? RepoTags, string[] Layers);

[JsonSerializable(typeof(DockerArchiveItem[]))]
internal sealed partial class DockerArchiveJson : JsonSerializerContext;
