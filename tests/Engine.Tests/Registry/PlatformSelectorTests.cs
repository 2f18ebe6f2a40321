using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class PlatformSelectorTests
{
    [Theory]
    [InlineData("linux/amd64", "linux/arm64 linux/amd64", "linux/amd64")]
    [InlineData("linux/amd64", "linux/386 linux/arm64", "linux/386")]
    [InlineData("linux/amd64/v3", "linux/amd64 linux/amd64/v2 linux/amd64/v4", "linux/amd64/v2")]
    [InlineData("linux/amd64/v3", "linux/amd64 linux/amd64/v4", "linux/amd64")]
    [InlineData("linux/arm/v7", "linux/arm/v5 linux/arm/v6 linux/arm64", "linux/arm/v6")]
    [InlineData("linux/arm64", "linux/amd64 linux/arm/v7 linux/arm64/v8", "linux/arm64")]
    [InlineData("linux/arm64", "linux/arm/v6 linux/arm/v7", "linux/arm/v7")]
    [InlineData("linux/arm64/v8.2", "linux/arm64 linux/arm64/v8.1", "linux/arm64/v8.1")]
    [InlineData("linux/arm64/v9", "linux/arm64/v8.5 linux/arm64", "linux/arm64/v8.5")]
    [InlineData("linux/ppc64le", "linux/ppc64le linux/amd64", "linux/ppc64le")]
    public void Chooses_the_best_that_runs(string wanted, string available, string expected) =>
        Assert.Equal(expected, PlatformSelector.TrySelect(Index(available), Platform.Parse(wanted))?.Platform!.ToPlatform().ToString());

    [Theory]
    [InlineData("linux/amd64", "linux/amd64/v2 linux/arm64")]
    [InlineData("linux/arm/v6", "linux/arm/v7")]
    [InlineData("linux/386", "linux/amd64")]
    [InlineData("linux/amd64", "windows/amd64")]
    public void Takes_nothing_that_does_not_run(string wanted, string available) =>
        Assert.Null(PlatformSelector.TrySelect(Index(available), Platform.Parse(wanted)));

    [Fact]
    public void Says_what_there_is_when_the_platform_is_missing()
    {
        var e = Assert.Throws<KimgException>(() => PlatformSelector.Select(Index("linux/arm64 unknown/unknown linux/s390x"), Platform.Parse("linux/amd64"), "alpine"));

        Assert.Equal(ErrorCode.PlatformNotFound, e.Code);
        Assert.Equal("no image for linux/amd64 in 'alpine'", e.Message);
        Assert.Equal("it has linux/arm64, linux/s390x", e.Hint);
    }

    [Fact]
    public void Takes_the_only_image_of_an_index_that_names_no_platform() =>
        Assert.NotNull(PlatformSelector.TrySelect(
            new ImageIndex { SchemaVersion = 2, Manifests = [Image("a") with { Platform = null }] }, Platform.Parse("linux/amd64")));

    [Theory]
    [InlineData("10.0.20348.1", "10.0.20348.999", true)]
    [InlineData("10.0.20348.1", "10.0.17763.1", false)]
    public void Windows_images_need_the_same_build(string host, string image, bool expected)
    {
        Descriptor only = Image("w") with { Platform = new OciPlatform { Os = "windows", Architecture = "amd64", OsVersion = image } };
        var index = new ImageIndex { SchemaVersion = 2, Manifests = [only] };

        Assert.Equal(expected, PlatformSelector.TrySelect(index, new Platform("windows", "amd64", null, host)) is not null);
    }

    private static ImageIndex Index(string platforms) => new()
    {
        SchemaVersion = 2,
        Manifests =
        [
            .. platforms.Split(' ').Select(p => p.Split('/')).Select(p => Image(string.Join('/', p)) with
            {
                Platform = new OciPlatform { Os = p[0], Architecture = p[1], Variant = p.Length > 2 ? p[2] : null },
            }),
        ],
    };

    private static Descriptor Image(string content) => new() { MediaType = MediaTypes.OciManifest, Digest = Digest.Sha256(content), Size = 1 };
}
