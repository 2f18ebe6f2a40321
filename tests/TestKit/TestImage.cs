using System.Collections.Immutable;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.TestKit;

/// <summary>Small valid images, made without the engine's own writers.</summary>
public sealed class TestImage
{
    private TestImage(MemoryBlobs blobs, Descriptor manifest, ImmutableArray<Descriptor> layers, Descriptor config) =>
        (Blobs, Manifest, Layers, Config) = (blobs, manifest, layers, config);

    public MemoryBlobs Blobs { get; }

    public Descriptor Manifest { get; }

    public ImmutableArray<Descriptor> Layers { get; }

    public Descriptor Config { get; }

    /// <summary>One layer for each text, holding it as a file.</summary>
    public static TestImage Create(MemoryBlobs blobs, Platform platform, params string[] texts)
    {
        var layers = ImmutableArray.CreateBuilder<Descriptor>();
        var diffIds = new List<string>();
        foreach (string text in texts)
        {
            byte[] tar = Tar(text);
            diffIds.Add($"\"{Digest.Sha256(tar)}\"");
            layers.Add(blobs.Add(MediaTypes.OciLayerGzip, Gzip(tar)));
        }

        string variant = platform.Variant is null ? "" : $"\"variant\":\"{platform.Variant}\",";
        Descriptor config = blobs.Add(MediaTypes.OciConfig, Encoding.UTF8.GetBytes(
            $$$"""
            {"architecture":"{{{platform.Architecture}}}",{{{variant}}}"os":"{{{platform.Os}}}","config":{},
            "rootfs":{"type":"layers","diff_ids":[{{{string.Join(',', diffIds)}}}]}}
            """));
        var manifest = new Manifest { SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = config, Layers = layers.ToImmutable() };
        return new TestImage(blobs, Add(blobs, manifest), layers.ToImmutable(), config);
    }

    public static Descriptor Add(MemoryBlobs blobs, Manifest manifest) =>
        blobs.Add(MediaTypes.OciManifest, JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.Manifest));

    public static Descriptor AddIndex(MemoryBlobs blobs, params (Descriptor Manifest, Platform Platform)[] images)
    {
        var index = new ImageIndex
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.OciIndex,
            Manifests = [.. images.Select(i => i.Manifest with { Platform = OciPlatform.From(i.Platform) })],
        };
        return blobs.Add(MediaTypes.OciIndex, JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex));
    }

    private static byte[] Tar(string text)
    {
        var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "file.txt")
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                ModificationTime = DateTimeOffset.UnixEpoch,
            });
        }

        return tar.ToArray();
    }

    private static byte[] Gzip(byte[] bytes)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        return compressed.ToArray();
    }
}
