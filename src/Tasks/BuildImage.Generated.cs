using System.Text.Json;
using Microsoft.Build.Framework;
using TaskItem = Microsoft.Build.Utilities.TaskItem;

namespace Kimg.Tasks;

/// <summary>The outputs that the SDK's own publishing has: manifests and configurations as they are.</summary>
public sealed partial class BuildImage
{
    /// <summary>One for each platform (metadata Manifest, Configuration, ManifestDigest, ManifestMediaType).</summary>
    [Output]
    public ITaskItem[] Generated { get; set; } = [];

    /// <summary>Of a single image; empty for an index.</summary>
    [Output]
    public string GeneratedManifest { get; set; } = "";

    /// <summary>Of a single image; empty for an index.</summary>
    [Output]
    public string GeneratedConfiguration { get; set; } = "";

    /// <summary>Empty for a single image.</summary>
    [Output]
    public string GeneratedIndex { get; set; } = "";

    private string _generatedOf = "";

    /// <returns>False: what was kept of the last build is damaged.</returns>
    private bool TryReadGenerated(string digest)
    {
        try
        {
            ReadGenerated(digest);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return false;
        }
    }

    private void ReadGenerated(string digest)
    {
        if (digest == _generatedOf || !File.Exists(KeptMetadata)) return;
        (Generated, GeneratedIndex, GeneratedManifest, GeneratedConfiguration, _generatedOf) = ([], "", "", "", digest);
        using var json = JsonDocument.Parse(File.ReadAllBytes(KeptMetadata));
        JsonElement root = json.RootElement;
        // Another binary (KimgBinary) may not say it.
        if (!root.TryGetProperty("kimg.images", out JsonElement images) || Text(root, "containerimage.digest") != digest) return;
        Generated = [.. images.EnumerateArray().Select(image => new TaskItem("GeneratedContainer", new Dictionary<string, string>
        {
            ["Manifest"] = Escaped(image, "manifest"), ["Configuration"] = Escaped(image, "config"), ["ManifestDigest"] = Text(image, "digest"),
            ["ManifestMediaType"] = Text(image, "mediaType"),
        }))];
        GeneratedIndex = Text(root, "kimg.index");
        if (GeneratedIndex.Length > 0) return;
        GeneratedManifest = Text(images[0], "manifest");
        GeneratedConfiguration = Text(images[0], "config");
    }

    // What an item is given is unescaped once.
    private static string Escaped(JsonElement json, string name) => Text(json, name).Replace("%", "%25", StringComparison.Ordinal);

    private static string Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";
}
