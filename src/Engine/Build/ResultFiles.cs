using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.Engine.Content;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>--iidfile and --metadata-file, with the keys docker buildx writes.</summary>
internal static class ResultFiles
{
    private static readonly JsonWriterOptions s_indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task WriteAsync(BuildRequest request, BuildResult result, ExportedImage? image, CancellationToken cancellationToken)
    {
        if (request.ImageIdFile is { } idFile && (result.ImageId ?? result.Root?.Digest) is { } id)
            await WriteAsync("--iidfile", idFile, System.Text.Encoding.ASCII.GetBytes(id.ToString()), cancellationToken);
        if (request.MetadataFile is { } file) await WriteAsync("--metadata-file", file, Metadata(request, result, image), cancellationToken);
    }

    private static async Task WriteAsync(string option, string path, byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllBytesAsync(path, bytes, cancellationToken);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            KimgException failure = StorageFailure.From(e, path);
            throw new KimgException(failure.Code, failure.Message, e) { Hint = $"the path of {option} must be a file that can be written" };
        }
    }

    private static byte[] Metadata(BuildRequest request, BuildResult result, ExportedImage? image)
    {
        var metadata = new JsonObject();
        if (request.BuildArgs.GetValueOrDefault(SpecialArguments.BuildName) is { Length: > 0 } name) metadata["kimg.build.name"] = name;
        if (result.ImageId is { } config) metadata["containerimage.config.digest"] = config.ToString();
        if (result.Root is { } root)
        {
            metadata["containerimage.descriptor"] = JsonNode.Parse(JsonSerializer.SerializeToUtf8Bytes(root, OciJson.Default.Descriptor));
            metadata["containerimage.digest"] = root.Digest.ToString();
        }

        if (image is { References.IsEmpty: false }) metadata["image.name"] = string.Join(',', image.Names);
        if (image is not null) ResultImages.AddTo(metadata, image);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_indented)) metadata.WriteTo(writer);
        return buffer.ToArray();
    }
}
