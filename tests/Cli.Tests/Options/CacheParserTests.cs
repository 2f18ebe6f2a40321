using Kimg.Cli.Options;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Options;

/// <summary>Every attribute of every kind of cache → what it means.</summary>
public sealed class CacheParserTests : IDisposable
{
    private const string Digest0 = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    private static readonly S3Cache s_s3 = new("r", "b");
    private static readonly AzureBlobCache s_azure = new(new Uri("https://acc.blob.example/"));
    private static readonly GitHubCache s_github = new(new Uri("https://x/"), new Secret("t"));

    private static readonly Dictionary<string, CacheLocation> s_locations = new()
    {
        ["team/app:cache"] = Registry("team/app:cache"),
        ["type=registry,ref=r.example/app:cache"] = Registry("r.example/app:cache"),
        ["type=registry,ref=r.example/app,registry.insecure=false"] = Registry("r.example/app"),
        ["TYPE=registry, Ref=r.example/app:cache"] = Registry("r.example/app:cache"),
        ["type=gha,url=https://x,token=t"] = s_github,
        ["type=gha,url=https://y,url_v2=https://x,token=t,version=2"] = s_github,
        ["type=gha,url=https://x,token=t,scope=main"] = s_github with { Scope = "main" },
        ["type=gha,url=https://x,token=t,timeout=90s"] = s_github with { Timeout = TimeSpan.FromSeconds(90) },
        ["type=gha,url=https://x,token=t,repository=o/r,ghtoken=g"] = s_github,
        ["type=s3,region=r,bucket=b"] = s_s3,
        ["type=s3,region=r,bucket=b,endpoint_url=http://minio:9000,use_path_style=true"] = s_s3 with { Endpoint = "http://minio:9000/", UsePathStyle = true },
        ["type=s3,region=r,bucket=b,prefix=ci/,blobs_prefix=x/,manifests_prefix=y/"] = s_s3 with { Prefix = "ci/", BlobsPrefix = "x/", ManifestsPrefix = "y/" },
        ["type=s3,region=r,bucket=b,name=main;branch"] = s_s3 with { Names = ["main", "branch"] },
        ["type=s3,region=r,bucket=b,access_key_id=i,secret_access_key=s,session_token=t"] =
            s_s3 with { AccessKeyId = "i", SecretAccessKey = new Secret("s"), SessionToken = new Secret("t") },
        ["type=s3,region=r,bucket=b,touch_refresh=2h"] = s_s3 with { TouchRefresh = TimeSpan.FromHours(2) },
        ["type=s3,region=r,bucket=b,touch_refresh=0"] = s_s3 with { TouchRefresh = TimeSpan.Zero },
        ["type=s3,region=r,bucket=b,upload_parallelism=8,retry_max_attempts=5"] = s_s3 with { Parallel = 8, Attempts = 5 },
        ["type=s3,region=r,bucket=b,retry_mode=standard,disable_accept_encoding=true"] = s_s3,
        ["type=s3,region=r,bucket=b,retry_mode=adaptive,disable_accept_encoding=false"] = s_s3,
        ["type=azblob,account_url=https://acc.blob.example"] = s_azure,
        ["type=azblob,account_url=https://acc.blob.example/,container=c"] = s_azure with { Container = "c" },
        ["type=azblob,account_url=https://acc.blob.example,account_name=acc2"] = s_azure with { AccountName = "acc2" },
        ["type=azblob,account_url=https://acc.blob.example,prefix=ci,blobs_prefix=x,manifests_prefix=y"] =
            s_azure with { Prefix = "ci", BlobsPrefix = "x", ManifestsPrefix = "y" },
        ["type=azblob,account_url=https://acc.blob.example,name=main;branch"] = s_azure with { Names = ["main", "branch"] },
        ["type=azblob,account_url=https://acc.blob.example,secret_access_key=s,upload_parallelism=2"] =
            s_azure with { SecretAccessKey = new Secret("s"), Parallel = 2 },
    };

    private static readonly Dictionary<string, Func<CacheDestination, CacheDestination>> s_exports = new()
    {
        ["mode=min"] = d => d,
        ["mode=max"] = d => d with { AllSteps = true },
        ["compression=zstd,compression-level=22"] = d => d with { Compression = Compression.Zstd, CompressionLevel = 22 },
        ["compression=gzip,compression-level=0"] = d => d with { Compression = Compression.Gzip, CompressionLevel = 0 },
        ["compression=uncompressed"] = d => d with { Compression = Compression.None },
        ["compression-level=19"] = d => d with { CompressionLevel = 19 },
        ["force-compression=true,compression-level=9"] = d => d with { Compression = Compression.Gzip, CompressionLevel = 9 },
        ["ignore-error=false"] = d => d with { IgnoreError = false },
        ["mounts=true,mounts-max-size=1k"] = d => d with { Mounts = ["*"], MaxMountSize = 1024 },
        ["mounts=a,mounts=b"] = d => d with { Mounts = ["a", "b"] },
        ["image-manifest=false"] = d => d with { ImageManifest = false },
        ["oci-mediatypes=false"] = d => d with { OciMediaTypes = false, ImageManifest = false },
    };

    private readonly TestHost _host = new();

    public static TheoryData<string> Locations => [.. s_locations.Keys];

    public static TheoryData<string> Exports => [.. s_exports.Keys];

    public void Dispose() => _host.Dispose();

    [Theory]
    [MemberData(nameof(Locations))]
    public async Task A_place_is_the_same_for_import_and_export(string text)
    {
        BuildRequest request = await Parse($"--cache-from={text}", $"--cache-to={text}");
        CacheLocation expected = s_locations[text];
        AssertSame(expected, Assert.Single(request.CacheFrom).Location);
        AssertSame(expected, Assert.Single(request.CacheTo).Location);
    }

    [Fact]
    public async Task A_directory_is_written_and_read_by_different_keys()
    {
        string directory = Path.Combine(_host.WorkingDirectory, "d");
        BuildRequest request = await Parse("--cache-to=type=local,dest=d,tag=x,reset=true", $"--cache-from=type=local,src=d,tag=x,digest={Digest0}", "--cache-to=type=inline,mode=min");
        Assert.Equal([new CacheDestination(new LocalCache(directory, "x") { Reset = true }), new CacheDestination(new InlineCache())], request.CacheTo.AsEnumerable());
        Assert.Equal(new LocalCache(directory, "x", Digest.Parse(Digest0)), Assert.Single(request.CacheFrom).Location);
    }

    [Theory]
    [MemberData(nameof(Exports))]
    public async Task What_an_export_may_be_told(string keys)
    {
        CacheDestination export = Assert.Single((await Parse($"--cache-to=type=registry,ref=r.example/c,{keys}")).CacheTo), plain = new(Registry("r.example/c"));
        Assert.Equal(s_exports[keys](plain) with { Mounts = [] }, export with { Mounts = [] });
        Assert.Equal(s_exports[keys](plain).Mounts.ToArray(), export.Mounts.ToArray());
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(",mounts=true", true)]
    [InlineData(",mounts=false", false)]
    public async Task An_import_takes_mounts_unless_it_is_told_not_to(string keys, bool mounts) =>
        Assert.Equal(mounts, Assert.Single((await Parse($"--cache-from=type=registry,ref=r.example/c{keys}")).CacheFrom).Mounts);

    /// <summary>A key that is accepted and in none of the tables above would be one whose meaning nobody looks at.</summary>
    [Fact]
    public void Every_key_has_a_row_in_these_tests()
    {
        string[] local = ["type=local,dest=,src=,tag=,reset=,digest="];
        string[] rows = [.. s_locations.Keys, .. local];
        foreach ((string type, bool export) in CacheAttributes.Types.SelectMany(t => new[] { (t, true), (t, false) }))
        {
            string all = string.Join(',', rows.Where(row => row.Contains("type=" + type, StringComparison.Ordinal)));
            Assert.All(CacheParser.KeysOf(type, export), key => Assert.Contains($",{key}=", "," + all, StringComparison.Ordinal));
        }

        string exports = "," + string.Join(',', s_exports.Keys);
        Assert.All(CacheParser.ExportKeys, key => Assert.Contains($",{key}=", exports, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Variables_stand_in_for_what_is_not_given_and_lose_against_what_is()
    {
        _host.Environment["BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"] = "https://acc.blob.example";
        _host.Environment["BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"] = "acc2";
        _host.Environment["BUILDKIT_AZURE_STORAGE_CONTAINER"] = "c";
        _host.Environment["BUILDKIT_AZURE_STORAGE_PREFIX"] = "ci";
        AzureBlobCache expected = s_azure with { AccountName = "acc2", Container = "c", Prefix = "ci" };
        AssertSame(expected, Assert.Single((await Parse("--cache-from=type=azblob")).CacheFrom).Location);
        AssertSame(expected with { AccountName = "n", Container = "d", Prefix = "" },
            Assert.Single((await Parse("--cache-from=type=azblob,account_name=n,container=d,prefix=")).CacheFrom).Location);
        (_host.Environment["AWS_REGION"], _host.Environment["AWS_BUCKET"]) = ("r", "b");
        AssertSame(s_s3, Assert.Single((await Parse("--cache-from=type=s3")).CacheFrom).Location);
    }

    [Theory]
    [InlineData("type=registry,ref=r,registry.insecure=true", "KIMG1007", "use --registry-insecure HOST")]
    [InlineData("type=registry,ref=r,registry.insecure=perhaps", "KIMG1001", "registry.insecure")]
    [InlineData("type=s3,region=r,bucket=b,retry_mode=eager", "KIMG1006", "standard or adaptive")]
    [InlineData("type=s3,region=r,bucket=b,disable_accept_encoding=perhaps", "KIMG1001", "disable_accept_encoding")]
    [InlineData("type=gha,url=https://x,token=t,timeout=0", "KIMG1006", "no time")]
    [InlineData("type=registry,ref=r,compression=gzip,compression-level=10", "KIMG1006", "0 to 9 for gzip")]
    [InlineData("type=registry,ref=r,force-compression=true,compression-level=10", "KIMG1006", "0 to 9 for gzip")]
    [InlineData("type=registry,ref=r,oci-mediatypes=false,compression-level=10", "KIMG1006", "0 to 9 for gzip")]
    [InlineData("type=registry,ref=r,compression=zstd,compression-level=0", "KIMG1006", "1 to 22 for zstd")]
    [InlineData("type=registry,ref=r,compression-level=23", "KIMG1006", "1 to 22 for zstd")]
    [InlineData("type=registry,ref=r,compression=uncompressed,compression-level=1", "KIMG1006", "nothing to compress")]
    [InlineData("type=registry,ref=r,mounts-max-size=1g", "KIMG1006", "mounts=true")]
    public async Task What_cannot_be_done_is_refused_before_anything_is_built(string text, string code, string message)
    {
        Assert.Equal(2, await _host.RunAsync("build", "--cache-to", text, "."));
        Assert.Contains(code, _host.Error, StringComparison.Ordinal);
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
        Assert.Null(_host.Engine.Request);
    }

    [Theory]
    [InlineData("type=gha,\"token=hidden,hidden\",skope=a")]
    [InlineData("type=gha,token=hidden,hidden,skope=a")]
    [InlineData("type=gha,ghtoken=hidden,hidden==,skope=a")]
    [InlineData("type=gha,token=hidden\"hidden,hidden")]
    [InlineData("type=gha,\"token=hidden\"\",hidden\",skope=a")]
    [InlineData("type=gha,TOKEN=hidden, skope=a")]
    [InlineData("type=s3,secret_access_key=hidden,hidden,skope=a")]
    [InlineData("type=s3,\"session_token=hidden,region=hidden\",skope=a")]
    [InlineData("type=azblob,\"account_url=https://hidden?sig=hidden,hidden\",skope=a")]
    public async Task A_secret_with_commas_is_never_shown(string text)
    {
        Assert.Equal(2, await _host.RunAsync("build", "--cache-from", text, "."));
        Assert.DoesNotContain("hidden", _host.Error, StringComparison.Ordinal);
        Assert.Contains("KIMG1006", _host.Error, StringComparison.Ordinal);
        Assert.Contains("***", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_with_a_comma_is_taken_whole_when_it_is_quoted_and_else_the_quotes_are_asked_for()
    {
        BuildRequest request = await Parse("--cache-from", "type=gha,url=https://x,\"token=a,b\"");
        Assert.Equal("a,b", Assert.IsType<GitHubCache>(Assert.Single(request.CacheFrom).Location).Token.Reveal());
        Assert.Equal(2, await _host.RunAsync("build", "--cache-from", "type=gha,url=https://x,token=a,b", "."));
        Assert.Contains("\"token=…\"", _host.Error, StringComparison.Ordinal);
    }

    private static RegistryCache Registry(string name) => new(ImageReference.Parse(name));

    // Records compare lists by identity.
    private static void AssertSame(CacheLocation expected, CacheLocation actual)
    {
        if (expected is S3Cache s3 && actual is S3Cache other)
        {
            Assert.Equal(s3.Names.AsEnumerable(), other.Names);
            (expected, actual) = (s3 with { Names = [] }, other with { Names = [] });
        }
        else if (expected is AzureBlobCache azure && actual is AzureBlobCache another)
        {
            Assert.Equal(azure.Names.AsEnumerable(), another.Names);
            (expected, actual) = (azure with { Names = [] }, another with { Names = [] });
        }

        Assert.Equal(expected, actual);
    }

    private async Task<BuildRequest> Parse(params string[] options)
    {
        int code = await _host.RunAsync(["build", .. options, "."]);
        Assert.True(code == 0, _host.Error);
        return _host.Engine.Request!;
    }
}
