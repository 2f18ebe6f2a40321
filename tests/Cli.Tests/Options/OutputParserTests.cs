using Kimg.Cli.Options;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Options;

public sealed class OutputParserTests
{
    public static TheoryData<string, OutputSpec> Good() => new()
    {
        { "-", new() { Type = OutputType.Tar, Destination = "-" } },
        { "out", new() { Type = OutputType.Local, Destination = "/w/out" } },
        { "../out", new() { Type = OutputType.Local, Destination = "/out" } },
        { "type=local,dest=out", new() { Type = OutputType.Local, Destination = "/w/out" } },
        { "type=tar,dest=o.tar", new() { Type = OutputType.Tar, Destination = "/w/o.tar" } },
        { "type=tar", new() { Type = OutputType.Tar, Destination = "-" } },
        { "type=oci", new() { Type = OutputType.Oci, Destination = "-" } },
        { "type=oci,dest=d,tar=false", new() { Type = OutputType.Oci, Destination = "/w/d", Tar = false } },
        { "dest=i.tar,type=docker", new() { Type = OutputType.Docker, Destination = "/w/i.tar", OciMediaTypes = false } },
        { "type=cacheonly", new() { Type = OutputType.CacheOnly } },
        { "type=image,push=true", new() { Type = OutputType.Image, Push = true } },
        { "type=registry", new() { Type = OutputType.Image, Push = true } },
        {
            "type=image,compression=zstd,compression-level=19,force-compression=1,oci-mediatypes=f,rewrite-timestamp=true",
            new()
            {
                Type = OutputType.Image, Compression = Compression.Zstd, CompressionLevel = 19, ForceCompression = true, OciMediaTypes = false,
                RewriteTimestamp = true,
            }
        },
    };

    [Theory]
    [MemberData(nameof(Good))]
    internal void Is_parsed_as_buildx_does(string text, OutputSpec expected)
    {
        OutputSpec actual = OutputParser.Parse(text, "/w");
        Assert.Equal(expected with { Names = [], Annotations = [] }, actual with { Names = [], Annotations = [] });
    }

    [Fact]
    public void A_quoted_field_may_hold_commas()
    {
        OutputSpec spec = OutputParser.Parse("type=image,\"name=a:1,r.example.com/b:2\",push=true", "/w");
        Assert.Equal(["docker.io/library/a:1", "r.example.com/b:2"], spec.Names.AsEnumerable());
        Assert.True(spec.Push);
    }

    [Fact]
    public void Annotations_may_stand_in_an_output()
    {
        OutputSpec spec = OutputParser.Parse("type=oci,annotation.a=1,annotation-index.b=2,annotation-manifest-descriptor[linux/amd64].c.d=3", "/w");
        Assert.Equal(
            [new("a", "1"), new("b", "2", "index"), new("c.d", "3", "manifest-descriptor", new Platform("linux", "amd64"))],
            spec.Annotations.AsEnumerable());
    }

    [Theory]
    [InlineData("", ErrorCode.InvalidOutput, "empty")]
    [InlineData("type=imag", ErrorCode.InvalidOutput, "unknown type 'imag'")]
    [InlineData("dest=x,push=true", ErrorCode.InvalidOutput, "type= is missing")]
    [InlineData("type=image,pushh=true", ErrorCode.InvalidOutput, "unknown key 'pushh'")]
    [InlineData("type=local", ErrorCode.InvalidOutput, "dest= is missing")]
    [InlineData("type=oci,tar=false", ErrorCode.InvalidOutput, "dest= is missing")]
    [InlineData("type=local,push=true", ErrorCode.InvalidOutput, "unknown key 'push'")]
    [InlineData("type=image,compression=lz4", ErrorCode.InvalidOutput, "unknown compression")]
    [InlineData("type=image,compression-level=x", ErrorCode.InvalidOutput, "not a compression level")]
    [InlineData("type=image,\"name=a", ErrorCode.InvalidOutput, "not closed")]
    [InlineData("type=image,push", ErrorCode.InvalidOutput, "'push' is not key=value")]
    [InlineData("type=image,push=ja", ErrorCode.InvalidArgument, "invalid value 'ja'")]
    [InlineData("type=docker", ErrorCode.UnsupportedFeature, "daemon")]
    [InlineData("type=image,compression=estargz", ErrorCode.UnsupportedFeature, "estargz")]
    [InlineData("type=image,registry.insecure=true", ErrorCode.UnsupportedFeature, "registry.insecure")]
    [InlineData("type=local,dest=x,platform-split=false", ErrorCode.UnsupportedFeature, "platform-split")]
    public void Is_refused_with_a_reason(string text, ErrorCode code, string message)
    {
        KimgException error = Assert.Throws<KimgException>(() => OutputParser.Parse(text, "/w"));
        Assert.Equal(code, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
