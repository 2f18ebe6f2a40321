using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>What names stand for on this machine: images built or pulled here, and what tags last resolved to (for when their registry cannot be
/// reached). A file per name.</summary>
internal sealed class ImageNames(string directory)
{
    public NamedImage? Find(ImageReference reference)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(reference)), ImageNamesJson.Default.NamedImage);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Set(ImageReference reference, Descriptor root, bool local)
    {
        if (Find(reference) is { } known && known.Root.Digest == root.Digest && known.Local == local) return;
        Directory.CreateDirectory(directory);
        string path = PathOf(reference), temporary = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(new NamedImage(reference.ToString(), root, local), ImageNamesJson.Default.NamedImage));
        File.Move(temporary, path, overwrite: true);
    }

    public IEnumerable<NamedImage> All() => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "*.json").Select(Read).OfType<NamedImage>().OrderBy(image => image.Name, StringComparer.Ordinal)
        : [];

    private static NamedImage? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ImageNamesJson.Default.NamedImage);
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return null;
        }
    }

    private string PathOf(ImageReference reference) => Path.Combine(directory, Digest.Sha256(reference.ToString()).Hex + ".json");
}

/// <param name="Local">Built or pulled here on purpose: the name means this image until it is built, pulled or asked for with --pull again.</param>
internal sealed record NamedImage(string Name, Descriptor Root, bool Local);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(NamedImage))]
internal sealed partial class ImageNamesJson : JsonSerializerContext;
