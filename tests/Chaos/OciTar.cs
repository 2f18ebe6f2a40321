using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Kimg.Chaos;

/// <summary>An OCI layout in a tar, read without the engine and found whole: every digest and size is right, every layer is what the config says.</summary>
public sealed record OciTar(IReadOnlyList<string> DiffIds, IReadOnlyDictionary<string, string> Files)
{
    public static OciTar Read(string path)
    {
        var blobs = new Dictionary<string, byte[]>();
        using (FileStream stream = File.OpenRead(path))
        using (TarReader reader = new(stream))
        {
            while (reader.GetNextEntry() is { } entry)
                if (entry.DataStream is { } data) blobs[entry.Name] = Bytes(data);
        }

        JsonNode index = JsonNode.Parse(blobs["index.json"])!, manifest = JsonNode.Parse(Blob(blobs, index["manifests"]![0]!))!;
        JsonNode config = JsonNode.Parse(Blob(blobs, manifest["config"]!))!;
        string[] diffIds = [.. config["rootfs"]!["diff_ids"]!.AsArray().Select(d => d!.GetValue<string>())];
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        JsonArray layers = manifest["layers"]!.AsArray();
        Assert.Equal(diffIds.Length, layers.Count);
        for (int i = 0; i < layers.Count; i++)
        {
            using GZipStream gzip = new(new MemoryStream(Blob(blobs, layers[i]!)), CompressionMode.Decompress);
            byte[] tar = Bytes(gzip);
            Assert.Equal(diffIds[i], Sha256(tar));
            using TarReader reader = new(new MemoryStream(tar));
            while (reader.GetNextEntry() is { } entry)
                files[entry.Name] = entry.DataStream is { } data ? Encoding.Latin1.GetString(Bytes(data)) : $"{entry.EntryType} {entry.LinkName}";
        }

        return new OciTar(diffIds, files);
    }

    private static byte[] Blob(Dictionary<string, byte[]> blobs, JsonNode descriptor)
    {
        string digest = descriptor["digest"]!.GetValue<string>();
        byte[] bytes = blobs["blobs/" + digest.Replace(':', '/')];
        Assert.Equal(digest, Sha256(bytes));
        Assert.Equal(descriptor["size"]!.GetValue<long>(), bytes.Length);
        return bytes;
    }

    private static string Sha256(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Bytes(Stream stream)
    {
        MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
