using System.Text;
using System.Text.Json;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Ci;

/// <summary>What later steps are told of an image in a registry, whether it was built here or not.</summary>
internal static class ImageOutputs
{
    /// <summary>The digest of each platform, as JSON.</summary>
    public static string PlatformDigests(ImageReport image) => Encoding.UTF8.GetString(Json(json =>
    {
        foreach (PlatformImage one in image.Images) json.WriteString(one.Platform.ToString(), one.Manifest.Digest.ToString());
    }));

    /// <summary>As of a build: the configuration of an image, but an index itself.</summary>
    public static Digest ImageId(ImageReport image) =>
        image.Images is [var one] && one.Manifest.Digest == image.Root.Digest ? Digest.Sha256(one.Config.Span) : image.Root.Digest;

    /// <summary>What docker buildx calls the same in its metadata file.</summary>
    public static byte[] Metadata(ImageReport image, IEnumerable<string> names) => Json(json =>
    {
        json.WriteString("containerimage.digest", image.Root.Digest.ToString());
        json.WriteStartObject("containerimage.descriptor");
        json.WriteString("mediaType", image.Root.MediaType);
        json.WriteString("digest", image.Root.Digest.ToString());
        json.WriteNumber("size", image.Root.Size);
        json.WriteEndObject();
        json.WriteString("image.name", string.Join(',', names));
    });

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
