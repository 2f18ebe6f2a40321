using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Kimg.Conformance;

/// <summary>What a build left in an OCI layout, read by nothing of ours, in the form of <c>expected.json</c>.</summary>
internal static class BuiltImage
{
    /// <summary>Later than every time of a case's input: what is younger was the builder's clock.</summary>
    private static readonly DateTimeOffset s_clock = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="layout">An OCI layout, layers not compressed.</param>
    /// <param name="places">Masked in every text.</param>
    /// <param name="times">Whether the times of config and history are part of the result.</param>
    public static JsonObject Read(string layout, Places places, bool times)
    {
        JsonNode index = Json(Path.Combine(layout, "index.json"));
        while (index["manifests"] is JsonArray { Count: 1 } manifests)
            index = Json(BlobPath(layout, manifests[0]!));
        if (index["manifests"] is not JsonArray several) return ReadManifest(layout, index, places, times);
        JsonObject platforms = [];
        foreach (JsonNode? descriptor in several)
        {
            JsonNode platform = descriptor!["platform"]!;
            string name = $"{platform["os"]}/{platform["architecture"]}" + (platform["variant"] is { } variant ? $"/{variant}" : "");
            platforms[name] = ReadManifest(layout, Json(BlobPath(layout, descriptor)), places, times);
        }

        return new JsonObject { ["platforms"] = platforms };
    }

    private static JsonObject ReadManifest(string layout, JsonNode index, Places places, bool times)
    {
        JsonObject config = Json(BlobPath(layout, index["config"]!)).AsObject();
        JsonObject[] history = [.. config["history"]?.AsArray().Select(h => h!.AsObject()) ?? []];
        int fromBase = history.Count(h => h["created_by"]?.GetValue<string>().StartsWith("base layer", StringComparison.Ordinal) == true);
        JsonArray layers =
        [
            .. (index["layers"] as JsonArray ?? []).Skip(fromBase).Select(layer => (JsonNode)Layer(BlobPath(layout, layer!))),
        ];
        config.Remove("rootfs");
        config.Remove("history");
        if (!times) config.Remove("created");
        return new JsonObject
        {
            ["layers"] = layers,
            ["config"] = Masked(config, places),
            ["history"] = new JsonArray([.. history.Skip(fromBase).Select(h => Masked(Step(h, times), places))]),
        };
    }

    private static JsonObject Step(JsonObject history, bool times)
    {
        if (!times) history.Remove("created");
        // Its Go structure is printed in another way by every version.
        if (history["created_by"]?.GetValue<string>().StartsWith("HEALTHCHECK", StringComparison.Ordinal) == true) history["created_by"] = "HEALTHCHECK";
        return history;
    }

    /// <summary>The entries of a tar, by path.</summary>
    internal static JsonArray Layer(string path)
    {
        using TarReader reader = new(OpenMaybeCompressed(path));
        SortedDictionary<string, JsonObject> entries = new(StringComparer.Ordinal);
        while (reader.GetNextEntry() is { } entry)
        {
            string name = Name(entry.Name);
            if (!entries.TryAdd(name, Entry(name, entry)))
                throw new InvalidDataException($"the layer holds '{name}' twice");
        }

        return [.. entries.Values];
    }

    private static JsonObject Entry(string name, TarEntry entry)
    {
        JsonObject result = new()
        {
            ["path"] = name,
            ["type"] = entry.EntryType switch
            {
                TarEntryType.Directory => "dir",
                TarEntryType.SymbolicLink => "link",
                TarEntryType.HardLink => "hardlink",
                TarEntryType.CharacterDevice => "char",
                TarEntryType.BlockDevice => "block",
                TarEntryType.Fifo => "fifo",
                TarEntryType.RegularFile or TarEntryType.V7RegularFile => "file",
                var other => other.ToString(),
            },
            ["mode"] = "0" + Convert.ToString((int)entry.Mode, 8),
            ["uid"] = entry.Uid,
            ["gid"] = entry.Gid,
        };
        if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
        {
            result["size"] = entry.Length;
            result["sha256"] = Convert.ToHexStringLower(entry.DataStream is { } data ? SHA256.HashData(data) : SHA256.HashData([]));
        }

        if (entry.EntryType is TarEntryType.SymbolicLink) result["link"] = entry.LinkName;
        if (entry.EntryType is TarEntryType.HardLink) result["link"] = Name(entry.LinkName);
        if (entry is PosixTarEntry { EntryType: TarEntryType.CharacterDevice or TarEntryType.BlockDevice } device)
            result["device"] = string.Create(CultureInfo.InvariantCulture, $"{device.DeviceMajor}:{device.DeviceMinor}");
        if (entry.ModificationTime < s_clock) result["mtime"] = entry.ModificationTime.ToUnixTimeSeconds();
        if (entry is PaxTarEntry pax)
        {
            const string prefix = "SCHILY.xattr.";
            (string, JsonNode?)[] xattrs =
            [
                .. from attribute in pax.ExtendedAttributes
                   where attribute.Key.StartsWith(prefix, StringComparison.Ordinal)
                   orderby attribute.Key
                   select (attribute.Key[prefix.Length..], (JsonNode?)attribute.Value),
            ];
            if (xattrs.Length > 0)
                result["xattrs"] = new JsonObject(xattrs.Select(x => KeyValuePair.Create(x.Item1, x.Item2)));
        }

        return result;
    }

    private static Stream OpenMaybeCompressed(string path)
    {
        FileStream file = File.OpenRead(path);
        bool gzip = file.ReadByte() == 0x1f;
        file.Position = 0;
        return gzip ? new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionMode.Decompress) : file;
    }

    private static string Name(string path) => path.StartsWith("./", StringComparison.Ordinal) ? path[2..].Trim('/') : path.Trim('/');

    private static JsonNode Masked(JsonNode node, Places places) =>
        JsonNode.Parse(places.Mask(node.ToJsonString()))!;

    private static JsonNode Json(string path) => JsonNode.Parse(File.ReadAllText(path))!;

    private static string BlobPath(string layout, JsonNode descriptor) =>
        Path.Combine(layout, "blobs", descriptor["digest"]!.GetValue<string>().Replace(':', '/'));
}
