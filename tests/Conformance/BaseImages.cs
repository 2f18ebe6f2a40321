using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>
/// The images that cases start from, described in <c>tests/vectors/builds/bases.json</c>: busybox and the entries listed there, as OCI layouts written
/// here and pushed by skopeo. Their bytes depend on nothing but that file and the busybox of this machine.
/// </summary>
internal static class BaseImages
{
    private const string Created = "2021-01-02T03:04:05Z";

    public static async Task PushAsync(string registry, TempDirectory work)
    {
        JsonObject bases = JsonNode.Parse(await File.ReadAllTextAsync(RepositoryFiles.Path($"{BuildCase.Folder}/bases.json")))!.AsObject();
        foreach ((string name, JsonNode? description) in bases)
        {
            string layout = work[name];
            await WriteLayoutAsync(layout, description!.AsObject(), bases);
            await HostProgram.MustAsync(
                "skopeo", "copy", "-q", "--multi-arch", "all", "--dest-tls-verify=false", $"oci:{layout}:latest", $"docker://{registry}/base/{name}:latest");
        }
    }

    private static async Task WriteLayoutAsync(string layout, JsonObject description, JsonObject bases)
    {
        Directory.CreateDirectory(Path.Combine(layout, "blobs", "sha256"));
        await File.WriteAllTextAsync(Path.Combine(layout, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        JsonArray[] layers =
        [
            .. (description["like"] is { } other ? bases[other.GetValue<string>()]!["layers"]!.AsArray() : []).Concat(description["layers"] as JsonArray ?? [])
                .Select(layer => layer!.AsArray()),
        ];
        JsonObject[] manifests =
        [
            .. (description["platforms"]?.AsArray().Select(p => p!.GetValue<string>()) ?? ["linux/amd64"])
                .Select(platform => Manifest(layout, description, layers, platform)),
        ];
        JsonObject root = manifests[0];
        if (manifests.Length > 1)
        {
            root = Blob(layout, "application/vnd.oci.image.index.v1+json", Bytes(new JsonObject
            {
                ["schemaVersion"] = 2,
                ["mediaType"] = "application/vnd.oci.image.index.v1+json",
                ["manifests"] = new JsonArray([.. manifests]),
            }));
        }

        root["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "latest" };
        await File.WriteAllTextAsync(
            Path.Combine(layout, "index.json"), new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(root) }.ToJsonString());
    }

    private static JsonObject Manifest(string layout, JsonObject description, JsonArray[] layers, string platform)
    {
        JsonArray diffs = [], blobs = [], history = [];
        foreach (JsonArray layer in layers)
        {
            byte[] tar = Tar(layer);
            diffs.Add((JsonNode)Digest(tar));
            blobs.Add((JsonNode)Blob(layout, "application/vnd.oci.image.layer.v1.tar+gzip", Compress(tar)));
            history.Add((JsonNode)new JsonObject { ["created"] = Created, ["created_by"] = $"base layer {history.Count}" });
        }

        string[] parts = platform.Split('/');
        JsonObject config = new()
        {
            ["created"] = Created,
            ["architecture"] = parts[1],
            ["os"] = parts[0],
            ["config"] = description["config"]?.DeepClone() ?? new JsonObject(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = diffs },
            ["history"] = history,
        };
        if (parts.Length > 2) config["variant"] = parts[2];
        JsonObject manifest = Blob(layout, "application/vnd.oci.image.manifest.v1+json", Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = Blob(layout, "application/vnd.oci.image.config.v1+json", Bytes(config)),
            ["layers"] = blobs,
        }));
        manifest["platform"] = new JsonObject { ["architecture"] = parts[1], ["os"] = parts[0] };
        if (parts.Length > 2) manifest["platform"]!["variant"] = parts[2];
        return manifest;
    }

    private static byte[] Tar(JsonArray entries)
    {
        using MemoryStream bytes = new();
        using (TarWriter writer = new(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (JsonNode? entry in entries)
            {
                TarEntry header = ContextWriter.TarEntryOf(entry!);
                if (entry!["host"]?.GetValue<string>() is { } host)
                    header.DataStream = new MemoryStream(File.ReadAllBytes(host));
                writer.WriteEntry(header);
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Compress(byte[] tar)
    {
        using MemoryStream bytes = new();
        using (GZipStream gzip = new(bytes, CompressionLevel.Fastest))
            gzip.Write(tar);
        return bytes.ToArray();
    }

    private static JsonObject Blob(string layout, string mediaType, byte[] bytes)
    {
        string digest = Digest(bytes);
        File.WriteAllBytes(Path.Combine(layout, "blobs", digest.Replace(':', '/')), bytes);
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = digest, ["size"] = bytes.Length };
    }

    private static byte[] Bytes(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString());

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
