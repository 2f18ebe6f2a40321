using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>What names stand for on this machine: images built or pulled here, and what tags last resolved to (for when their registry cannot be
/// reached). A file per name.</summary>
internal sealed class ImageNames(string directory, string ingest)
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

    /// <param name="origins">Where those of its blobs are that may not be in the store.</param>
    public void Set(ImageReference reference, Descriptor root, bool local, ImmutableArray<BlobOrigin> origins = default)
    {
        // A registry that still has what was put here says nothing new.
        if (!local && Find(reference) is { } known && known.Root.Digest == root.Digest) return;
        Directory.CreateDirectory(directory);
        var image = new NamedImage(reference.ToString(), root, local) { Origins = origins.IsDefault ? [] : origins };
        WholeFile.Write(ingest, PathOf(reference), JsonSerializer.SerializeToUtf8Bytes(image, ImageNamesJson.Default.NamedImage));
    }

    /// <summary>When the name was given.</summary>
    public DateTimeOffset UsedAt(ImageReference reference) => File.GetLastWriteTimeUtc(PathOf(reference));

    /// <returns>False when there was nothing of this name.</returns>
    public bool Remove(ImageReference reference)
    {
        string path = PathOf(reference);
        if (!File.Exists(path)) return false;
        File.Delete(path);
        return true;
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
internal sealed record NamedImage(string Name, Descriptor Root, bool Local)
{
    /// <summary>Base layers that a build did not need to fetch, and the images that have them.</summary>
    public ImmutableArray<BlobOrigin> Origins { get; init; } = [];
}

/// <param name="Image">A reference.</param>
internal sealed record BlobOrigin(Digest Blob, string Image);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(NamedImage))]
internal sealed partial class ImageNamesJson : JsonSerializerContext;
