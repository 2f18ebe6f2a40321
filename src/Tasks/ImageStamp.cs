using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>What the last build made, and from what: kept in obj, compared before the next.</summary>
internal sealed record ImageStamp
{
    public required string Fingerprint { get; init; }

    /// <summary>What the base's name stood for.</summary>
    public string BaseDigest { get; init; } = "";

    /// <summary>Empty: no image was asked for (type=local and its like).</summary>
    public string Digest { get; init; } = "";

    /// <summary>Empty for an index.</summary>
    public string ImageId { get; init; } = "";

    public string MediaType { get; init; } = "";

    public ImmutableArray<string> Names { get; init; } = [];

    /// <summary>Files that must still be there.</summary>
    public ImmutableArray<string> Archives { get; init; } = [];

    /// <summary>What they looked like when they were written: another build may have written another image there.</summary>
    public ImmutableArray<string> ArchiveStates { get; init; } = [];

    /// <summary>Length and time of a file; empty when there is none.</summary>
    public static string StateOf(string file) =>
        new FileInfo(file) is { Exists: true } info ? FormattableString.Invariant($"{info.Length} {info.LastWriteTimeUtc.Ticks}") : "";

    public bool Pushed { get; init; }

    /// <summary>In the store of kimg, too if it was pushed.</summary>
    public bool Stored { get; init; }

    /// <summary>Null when there is none, or it cannot be read: then everything is built.</summary>
    public static ImageStamp? TryRead(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            JsonElement root = json.RootElement;
            return new ImageStamp
            {
                Fingerprint = Text(root, "fingerprint"),
                BaseDigest = Text(root, "baseDigest"),
                Digest = Text(root, "digest"),
                ImageId = Text(root, "imageId"),
                MediaType = Text(root, "mediaType"),
                Names = Texts(root, "names"),
                Archives = Texts(root, "archives"),
                ArchiveStates = Texts(root, "archiveStates"),
                // Of anything else than archives and the store there is no stamp.
                Stored = Texts(root, "archives").IsEmpty,
                Pushed = root.GetProperty("pushed").GetBoolean(),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    public void Write(string file)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("fingerprint", Fingerprint);
            json.WriteString("baseDigest", BaseDigest);
            json.WriteString("digest", Digest);
            json.WriteString("imageId", ImageId);
            json.WriteString("mediaType", MediaType);
            Write(json, "names", Names);
            Write(json, "archives", Archives);
            Write(json, "archiveStates", ArchiveStates);
            json.WriteBoolean("pushed", Pushed);
            json.WriteEndObject();
        }

        string temporary = file + ".new";
        File.WriteAllBytes(temporary, buffer.ToArray());
        File.Move(temporary, file, overwrite: true);
    }

    private static void Write(Utf8JsonWriter json, string name, ImmutableArray<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? "";

    private static ImmutableArray<string> Texts(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];
}
