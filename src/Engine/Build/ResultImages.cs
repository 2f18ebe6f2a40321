using System.Text;
using System.Text.Json.Nodes;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Build;

/// <summary>Manifests and configurations in --metadata-file, each as its text: whoever wants to look at what was made need not ask a registry for it, nor
/// open an archive.</summary>
internal static class ResultImages
{
    public static void AddTo(JsonObject metadata, ExportedImage image)
    {
        if (image.Content.Blobs.FirstOrDefault(blob => MediaTypes.IsIndex(image.Content.Root.MediaType) && blob.Descriptor.Digest == image.Content.Root.Digest)
            is { Bytes: { } index })
        {
            metadata["kimg.index"] = Encoding.UTF8.GetString(index.Span);
        }

        metadata["kimg.images"] = new JsonArray([.. image.Images.Select(single => new JsonObject
        {
            ["digest"] = single.Descriptor.Digest.ToString(),
            ["mediaType"] = single.Descriptor.MediaType,
            ["manifest"] = Encoding.UTF8.GetString(single.ManifestBytes.Span),
            ["config"] = Encoding.UTF8.GetString(single.ConfigBytes.Span),
        })]);
    }
}
