using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>What --metadata-file holds of the images that were made.</summary>
public sealed class ResultImagesTests : RemoteBuilds
{
    [Theory]
    [InlineData("linux/amd64")]
    [InlineData("linux/amd64", "linux/arm64")]
    public async Task Manifests_and_configurations_are_there_to_the_byte(params string[] platforms)
    {
        await BuildAsync("FROM scratch\nCOPY <<EOF /f\nx\nEOF\nLABEL a=\"é 100% <b>\"\n", request => request with
        {
            Platforms = [.. platforms.Select(Platform.Parse)],
            MetadataFile = Files["metadata.json"],
            Outputs = [.. request.Outputs.Where(output => output.Type == OutputType.Oci)],
        });
        JsonNode metadata = JsonNode.Parse(await File.ReadAllTextAsync(Files["metadata.json"]))!;
        string root = metadata["containerimage.digest"]!.GetValue<string>();
        JsonArray images = metadata["kimg.images"]!.AsArray();
        Assert.Equal(platforms.Length, images.Count);
        foreach (JsonNode? image in images)
        {
            string manifest = image!["manifest"]!.GetValue<string>(), config = image["config"]!.GetValue<string>();
            Assert.Equal(await BlobAsync(image["digest"]!.GetValue<string>()), manifest);
            Assert.Equal(await BlobAsync(JsonNode.Parse(manifest)!["config"]!["digest"]!.GetValue<string>()), config);
            Assert.Equal(JsonNode.Parse(manifest)!["mediaType"]!.GetValue<string>(), image["mediaType"]!.GetValue<string>());
        }

        if (platforms.Length > 1) Assert.Equal(await BlobAsync(root), metadata["kimg.index"]!.GetValue<string>());
        else Assert.Equal((root, null), (images[0]!["digest"]!.GetValue<string>(), metadata["kimg.index"]));
    }

    private Task<string> BlobAsync(string digest) => File.ReadAllTextAsync(Files["image/blobs/" + digest.Replace(':', '/')]);
}
