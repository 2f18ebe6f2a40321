using System.Text;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class ManifestDocumentTests
{
    private const string Empty = "\"digest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"";

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"schemaVersion":2,"config":null,"layers":[]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":null}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[null]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB}""")]
    [InlineData("""{"schemaVersion":1,"config":BLOB,"layers":[]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[{"mediaType":"a/b","digest":"sha256:short","size":0}]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[{"mediaType":"a/b",DIGEST,"size":-1}]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[{"mediaType":"a/b",DIGEST,"size":9007199254740991}]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[{"mediaType":"a/b",DIGEST,"size":1e99}]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[],"manifests":[]}""")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""")]
    [InlineData("""{"schemaVersion":2,"config":BLOB,"layers":[]""")]
    public void Refuses_what_is_not_a_manifest(string json)
    {
        var e = Assert.Throws<KimgException>(() => Parse(Expand(json), MediaTypes.OciManifest));

        Assert.Equal(ErrorCode.InvalidManifest, e.Code);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Refuses_deep_nesting() =>
        Assert.Equal(ErrorCode.InvalidManifest, Assert.Throws<KimgException>(() => Parse(new string('[', 100_000), MediaTypes.OciManifest)).Code);

    [Fact]
    public void Names_schema_one() => Assert.Contains(
        "schema 1",
        Assert.Throws<KimgException>(() => Parse("""{"schemaVersion":1,"fsLayers":[]}""", "application/vnd.docker.distribution.manifest.v1+prettyjws")).Hint,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""", null, MediaTypes.OciIndex)]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""", "text/plain", MediaTypes.OciIndex)]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}""",
        "application/json", MediaTypes.DockerManifestList)]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""", MediaTypes.DockerManifestList, MediaTypes.DockerManifestList)]
    public void Finds_the_type(string json, string? header, string expected) => Assert.Equal(expected, Parse(json, header).Descriptor.MediaType);

    private static string Expand(string json) => json
        .Replace("BLOB", """{"mediaType":"a/b",DIGEST,"size":0}""", StringComparison.Ordinal)
        .Replace("DIGEST", Empty, StringComparison.Ordinal);

    private static ManifestDocument Parse(string json, string? mediaType)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        return ManifestDocument.Parse(bytes, Digest.Sha256(bytes), mediaType, "manifest 'x'");
    }
}
