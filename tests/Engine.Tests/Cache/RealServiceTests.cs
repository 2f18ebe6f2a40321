using System.Text;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Caches in stores that are not ours, and our stand-ins of stores under clients that are not ours.</summary>
public sealed class RealServiceTests(CacheServices services) : IClassFixture<CacheServices>, IAsyncLifetime
{
    // More than one part.
    private const string Dockerfile = "FROM base\nCOPY large /large\nRUN --mount=type=cache,target=/c echo kept >/c/file && echo one >/one\n";

    private readonly ObjectServer _server = new();
    private CacheScene _scene = null!;

    public async Task InitializeAsync()
    {
        _scene = await CacheScene.StartAsync();
        byte[] large = new byte[20 << 20];
        new Random(1).NextBytes(large);
        await File.WriteAllBytesAsync(Path.Combine(_scene.Context, "large"), large);
    }

    public async Task DisposeAsync()
    {
        await _scene.DisposeAsync();
        _server.Dispose();
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("azblob")]
    [InlineData("azblob sas")]
    public async Task A_cache_goes_to_a_store_that_is_not_ours_and_comes_back(string kind)
    {
        CacheLocation location = services.Location(kind);
        Built first = await _scene.NewMachine().BuildAsync(
            Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { AllSteps = true, IgnoreError = false, Mounts = ["*"] }] });
        Machine other = _scene.NewMachine();
        Built second = await other.BuildAsync(Dockerfile, location);
        second.AssertNothingRan();
        Assert.Empty(second.Events.Warnings);
        Assert.Equal(first.Digest, second.Digest);
        // The layers are needed, not only named.
        Built more = await other.BuildAsync(Dockerfile + "RUN --mount=type=cache,target=/c wc -c </large >/size && cat /c/file >>/size\n", location);
        Assert.Single(more.Ran);
        Assert.Equal($"{20 << 20}\nkept\n", await ImageText.ReadAsync(other, "size"));
    }

    [Theory]
    [InlineData("s3", "InvalidAccessKeyId")]
    [InlineData("azblob", "AuthorizationFailure")]
    [InlineData("azblob sas", "AuthorizationFailure")]
    public async Task What_a_store_that_is_not_ours_says_of_wrong_credentials_is_a_warning(string kind, string said)
    {
        CacheLocation location = services.Location(kind) switch
        {
            S3Cache s3 => s3 with { AccessKeyId = "AKIAEXPIRED" },
            AzureBlobCache { SecretAccessKey: not null } azure => azure with { SecretAccessKey = new Secret(Convert.ToBase64String("another"u8)) },
            AzureBlobCache azure => azure with { AccountUrl = new Uri(azure.AccountUrl.AbsoluteUri.Replace("2099", "2020", StringComparison.Ordinal)) },
            var other => other,
        };
        Built built = await _scene.NewMachine().BuildAsync(
            Dockerfile, r => r with { CacheFrom = [new CacheSource(location)], CacheTo = [new CacheDestination(location)] });
        Assert.Equal(2, built.Ran.Length);
        Assert.Equal(2, built.Events.Warnings.Count);
        Assert.Contains(built.Events.Warnings, w => w.Contains(said, StringComparison.Ordinal));
        Assert.DoesNotContain(built.Events.Warnings, w => w.Contains("sig=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Our_stand_in_of_S3_understands_what_AWS_own_client_signs_and_nothing_else()
    {
        var location = new S3Cache("eu-west-1", "bucket")
        {
            Endpoint = _server.Url, UsePathStyle = true, AccessKeyId = ObjectServer.AccessKey, SecretAccessKey = new Secret(ObjectServer.SecretKey),
            SessionToken = new Secret(ObjectServer.SessionToken),
        };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] });
        string large = _server.Objects.MaxBy(o => o.Value.Length).Key, key = Uri.UnescapeDataString(large["/bucket/".Length..]);
        ProgramResult right = await RunAsync(ObjectServer.SecretKey);
        Assert.Equal($"read {Digest.Sha256(_server.Objects[large])}\nparts one two\n", right.Output);
        Assert.EndsWith(key[(key.IndexOf("sha256", StringComparison.Ordinal) + 7)..], right.Output.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal("by its own client", Encoding.UTF8.GetString(_server.Objects["/bucket/written/a%20b%2Bc"]));
        Assert.Equal("error SignatureDoesNotMatch\n", (await RunAsync("another")).Output);

        Task<ProgramResult> RunAsync(string secret) =>
            services.RunAsync("s3-client.cjs", [_server.Url, "bucket", key, ObjectServer.AccessKey, secret, ObjectServer.SessionToken]);
    }

    [Fact]
    public async Task Our_stand_in_of_GitHubs_cache_is_one_for_GitHubs_own_client_which_also_finds_what_kimg_wrote()
    {
        var location = new GitHubCache(new Uri(_server.Url), new Secret(ObjectServer.Token)) { Scope = "main" };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] });
        (string Key, byte[] Bytes) manifest = _server.Objects.Where(o => o.Key.Contains("kimg-manifest-", StringComparison.Ordinal)).Select(o => (o.Key, o.Value)).Single();
        string[] parts = manifest.Key.Split('/'); // /signed/VERSION/KEY
        string[] lines = (await RunAsync(ObjectServer.Token, "entry", parts[3][..parts[3].IndexOf('-', "kimg-manifest-".Length)], parts[2], _scene["entry"])).Output.Split('\n');
        Assert.Contains("found true", lines);
        Assert.Contains("key " + parts[3], lines);
        Assert.Equal(manifest.Bytes, await File.ReadAllBytesAsync(_scene["entry"]));

        Directory.CreateDirectory(_scene["work/modules"]);
        await File.WriteAllTextAsync(_scene["work/modules/file"], "kept\n");
        ProgramResult saved = await RunAsync(ObjectServer.Token, "roundtrip", _scene["work/modules"]);
        foreach (string line in new[] { "saved true", "exact node-modules-1", "file kept", "prefix node-modules-1", "none undefined" }) Assert.Contains(line, saved.Output.Split('\n'));

        ProgramResult refused = await RunAsync("wrong", "entry", "x", "y", _scene["entry"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("error ", refused.Output, StringComparison.Ordinal);

        Task<ProgramResult> RunAsync(string token, params string[] arguments) => services.RunAsync("github-cache.cjs", arguments, new Dictionary<string, string>
        {
            ["ACTIONS_CACHE_SERVICE_V2"] = "1", ["ACTIONS_RESULTS_URL"] = _server.Url + "/", ["ACTIONS_RUNTIME_TOKEN"] = token,
            ["RUNNER_TEMP"] = Directory.CreateDirectory(_scene["runner"]).FullName, ["GITHUB_WORKSPACE"] = Directory.CreateDirectory(_scene["work"]).FullName,
        });
    }
}
