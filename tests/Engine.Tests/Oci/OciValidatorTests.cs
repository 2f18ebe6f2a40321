using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Oci;

public sealed class OciValidatorTests
{
    private readonly MemoryBlobs _blobs = new();

    [Fact]
    public async Task Finds_nothing_wrong_with_images_made_by_others() =>
        Assert.Equal([], await ValidateAsync(TestImage.Create(_blobs, Platform.Parse("linux/arm/v7"), "a", "b").Manifest));

    [Fact]
    public async Task Finds_a_blob_that_was_changed()
    {
        TestImage image = TestImage.Create(_blobs, Platform.Parse("linux/amd64"), "a");
        _blobs[image.Config.Digest] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(_blobs[image.Config.Digest]) + " ");
        IReadOnlyList<string> problems = await ValidateAsync(image.Manifest);
        Assert.Contains(problems, p => p.Contains("bytes, described with", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Contains("has the digest", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Finds_layers_that_are_not_those_of_the_configuration()
    {
        Platform platform = Platform.Parse("linux/amd64");
        TestImage one = TestImage.Create(_blobs, platform, "a"), two = TestImage.Create(_blobs, platform, "b");
        Descriptor mixed = TestImage.Add(_blobs, new Manifest { SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = one.Config, Layers = two.Layers });
        Assert.Contains("diff_ids", Assert.Single(await ValidateAsync(mixed)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_media_types_of_the_other_family()
    {
        TestImage image = TestImage.Create(_blobs, Platform.Parse("linux/amd64"), "a");
        Descriptor mixed = TestImage.Add(_blobs, new Manifest
        {
            SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = image.Config, Layers = [image.Layers[0] with { MediaType = MediaTypes.DockerLayerGzip }],
        });
        Assert.Contains("in a OCI manifest", Assert.Single(await ValidateAsync(mixed)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finds_a_platform_that_is_not_the_images_own()
    {
        TestImage image = TestImage.Create(_blobs, Platform.Parse("linux/amd64"), "a");
        Descriptor index = TestImage.AddIndex(_blobs, (image.Manifest, Platform.Parse("linux/arm64")));
        Assert.Contains("listed as linux/arm64", Assert.Single(await ValidateAsync(index)), StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<string>> ValidateAsync(Descriptor root) => new OciValidator(
        (descriptor, token) => _blobs.OpenBlobAsync(descriptor, 0, token), blob => Codec.Decompress(blob, leaveOpen: true)).ValidateAsync(root, default);
}
