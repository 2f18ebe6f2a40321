using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Oci;

public sealed class CanonicalJsonTests
{
    private static readonly Digest s_a = Digest.Sha256("a"), s_b = Digest.Sha256("b");

    [Fact]
    public void A_configuration_has_sorted_fields_and_dockers_order_inside()
    {
        var config = new ImageConfig
        {
            Os = "linux",
            Architecture = "arm",
            Variant = "v7",
            Author = "me <a@b>",
            Created = Timestamp.FromUnixSeconds(1),
            Config = new ContainerConfig
            {
                User = "1",
                ExposedPorts = ImmutableSortedDictionary<string, EmptyObject>.Empty.Add("80/tcp", EmptyObject.Instance),
                Env = ["A=ü&\u2028\u0001\t😀"],
                Cmd = ["/x"],
                Healthcheck = new Healthcheck { Test = ["CMD-SHELL", "true"], Interval = 3_000_000_000 },
                Labels = ImmutableSortedDictionary<string, string>.Empty.Add("k", "\"v\""),
            },
            Rootfs = new RootFs { DiffIds = [s_a] },
            History = [new HistoryEntry { Created = Timestamp.FromUnixSeconds(1), CreatedBy = "RUN x", Comment = "c" }, new HistoryEntry { EmptyLayer = true }],
        };
        string expected = Json(@"{'architecture':'arm','author':'me \u003ca@b\u003e','config':{'User':'1','ExposedPorts':{'80/tcp':{}},"
            + @"'Env':['A=ü\u0026\u2028\u0001\t😀'],'Cmd':['/x'],'Labels':{'k':'\'v\''},'Healthcheck':{'Test':['CMD-SHELL','true'],"
            + @"'Interval':3000000000}},'created':'1970-01-01T00:00:01Z','history':[{'created':'1970-01-01T00:00:01Z','created_by':'RUN x',"
            + @"'comment':'c'},{'empty_layer':true}],'os':'linux','rootfs':{'type':'layers','diff_ids':['A']},'variant':'v7'}");
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Serialize(config)));
    }

    [Fact]
    public void A_manifest_is_indented_by_two_spaces_and_descriptors_have_dockers_order()
    {
        var manifest = new Manifest
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.OciManifest,
            Config = new Descriptor { MediaType = MediaTypes.OciConfig, Digest = s_a, Size = 2, Data = "{}"u8.ToArray() },
            Layers = [],
            Annotations = ImmutableSortedDictionary<string, string>.Empty.Add("x", "y"),
        };
        Assert.Equal($$"""
            {
              "schemaVersion": 2,
              "mediaType": "{{MediaTypes.OciManifest}}",
              "config": {
                "mediaType": "{{MediaTypes.OciConfig}}",
                "digest": "{{s_a}}",
                "size": 2,
                "data": "e30="
              },
              "layers": [],
              "annotations": {
                "x": "y"
              }
            }
            """, Encoding.UTF8.GetString(CanonicalJson.Serialize(manifest)));
    }

    [Fact]
    public void A_descriptor_with_everything_has_gos_order()
    {
        var index = new ImageIndex
        {
            SchemaVersion = 2,
            Manifests =
            [
                new Descriptor
                {
                    MediaType = MediaTypes.OciManifest, Digest = s_b, Size = 7, ArtifactType = "t", Urls = ["http://u/?a&b"],
                    Platform = new OciPlatform { Architecture = "amd64", Os = "windows", OsVersion = "10.0", OsFeatures = ["win32k"], Variant = "v2" },
                },
            ],
        };
        Assert.Equal(
            Json($"{{'schemaVersion':2,'manifests':[{{'mediaType':'{MediaTypes.OciManifest}','digest':'{s_b}','size':7,'urls':['http://u/?a\\u0026b'],")
            + Json("'platform':{'architecture':'amd64','os':'windows','os.version':'10.0','os.features':['win32k'],'variant':'v2'},")
            + Json("'artifactType':'t'}]}"),
            Encoding.UTF8.GetString(CanonicalJson.SerializeCompact(index)));
    }

    [Fact]
    public void Reading_and_writing_a_configuration_keeps_every_byte_of_what_is_known()
    {
        string text = Json("{'architecture':'amd64','config':{'Env':['PATH=/bin'],'Cmd':['sh'],'StopSignal':'SIGQUIT','OnBuild':['RUN x']},"
            + "'created':'2026-11-21T09:36:43.605638664Z','history':[{'created':'2026-11-21T09:36:43.605638664Z','created_by':'x'}],"
            + "'os':'linux','rootfs':{'type':'layers','diff_ids':['A']}}");
        ImageConfig config = JsonSerializer.Deserialize(text, OciJson.Default.ImageConfig)!;
        Assert.Equal(text, Encoding.UTF8.GetString(CanonicalJson.Serialize(config)));
    }

    // Single quotes are easier on the eye here; 'A' alone is the digest.
    private static string Json(string text) => text.Replace("'A'", $"'{s_a}'", StringComparison.Ordinal).Replace('\'', '"');
}
