using System.Collections.Frozen;
using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Caches in S3, Azure's blob storage and GitHub's cache service, each spoken to over loopback.</summary>
public sealed class ServiceCacheTests : IAsyncLifetime
{
    private const string Dockerfile = "FROM base\nRUN echo one >/one\nRUN --mount=type=cache,target=/c echo kept >/c/file\n";

    private readonly ObjectServer _server = new();
    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync()
    {
        await _scene.DisposeAsync();
        _server.Dispose();
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("azblob")]
    [InlineData("azblob sas")]
    [InlineData("gha")]
    public async Task A_cache_goes_there_and_comes_back_and_the_second_time_only_what_is_new(string kind)
    {
        CacheLocation location = Location(kind);
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(location) { AllSteps = true, IgnoreError = false, Mounts = ["*"] }] };
        Built first = await machine.BuildAsync(Dockerfile, export);
        int objects = _server.Objects.Count;
        Built second = await _scene.NewMachine().BuildAsync(Dockerfile, location);
        second.AssertNothingRan();
        Assert.Equal(first.Digest, second.Digest);
        Assert.Empty(second.Events.Warnings);

        await machine.BuildAsync(Dockerfile + "RUN echo more >/more\n", export);
        // A layer, a document and, where nothing is ever written twice, a manifest.
        Assert.Equal(objects + (kind == "gha" ? 3 : 2), _server.Objects.Count);
        (await _scene.NewMachine().BuildAsync(Dockerfile + "RUN echo more >/more\n", location)).AssertNothingRan();
        Machine mounts = _scene.NewMachine();
        await mounts.BuildAsync("FROM base\nRUN --mount=type=cache,target=/c cat /c/file >/seen\n", location);
        Assert.Equal("kept\n", await ImageText.ReadAsync(mounts, "seen"));
    }

    [Fact]
    public async Task A_branch_sends_and_fetches_nothing_that_its_base_has()
    {
        var location = (GitHubCache)Location("gha") with { Scope = "s" };
        GitHubCache branch = location with { Token = new Secret(ObjectServer.BranchToken) };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { AllSteps = true, IgnoreError = false }] });
        HashSet<string> before = [.. _server.Objects.Keys];
        int lines = _server.Lines.Count;
        Built built = await _scene.NewMachine().BuildAsync(
            Dockerfile,
            r => r with { CacheFrom = [new CacheSource(branch)], CacheTo = [new CacheDestination(branch) { AllSteps = true, IgnoreError = false }], Outputs = [] });
        built.AssertNothingRan();
        // The document, which says when it was written, and the manifest; read were those of the base.
        Assert.Equal(2, _server.Objects.Keys.Except(before).Count());
        Assert.Equal(2, _server.Lines.Skip(lines).Count(l => l.StartsWith("PUT ", StringComparison.Ordinal)));
        Assert.Equal(2, _server.Lines.Skip(lines).Count(l => l.StartsWith("GET /signed/", StringComparison.Ordinal)));
        (await _scene.NewMachine().BuildAsync(Dockerfile, branch)).AssertNothingRan();
    }

    [Theory]
    [InlineData(409, """{"code":"already_exists","msg":"there is one"}""")]
    [InlineData(200, """{"ok":false}""")]
    public async Task An_entry_that_is_refused_and_not_there_fails_the_export_before_its_manifest(int status, string answer)
    {
        CacheLocation location = Location("gha");
        _server.Fault = r => r.Path.EndsWith("/CreateCacheEntry", StringComparison.Ordinal) && r.Text.Contains("kimg-blob-", StringComparison.Ordinal)
            ? new ScriptedAnswer(status, answer, ("Content-Type", "application/json")) : null;
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location)] });
        Assert.Contains("the cache service did not take it", Assert.Single(built.Events.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Objects.Keys, k => k.Contains("kimg-manifest-", StringComparison.Ordinal));
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => _scene.NewMachine().BuildAsync(
            Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] }));
        Assert.Equal(ErrorCode.RegistryRefused, error.Code);
    }

    [Fact]
    public async Task An_entry_that_another_build_is_just_writing_is_waited_for()
    {
        CacheLocation location = Location("gha");
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] };
        await machine.BuildAsync(Dockerfile, export);
        int objects = _server.Objects.Count;
        // Not there when it is looked for, taken when it is made, then there.
        var asked = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        _server.Fault = r => r.Path.EndsWith("/GetCacheEntryDownloadURL", StringComparison.Ordinal) && asked.AddOrUpdate(r.Text, 1, (_, n) => n + 1) <= 2
            ? new ScriptedAnswer(200, """{"ok":false}""", ("Content-Type", "application/json")) : null;
        Assert.Empty((await machine.BuildAsync(Dockerfile, export)).Events.Warnings);
        Assert.Equal(objects + 2, _server.Objects.Count);
        Assert.Contains(asked.Values, n => n == 3);
    }

    [Theory]
    [InlineData("", "blobs", "manifests", "/account/cache/blobs/")]
    [InlineData("ci", "x", "y", "/account/cache/ci/x/")]
    [InlineData("ci/", "x/", "y/", "/account/cache/ci/x/")]
    public async Task Prefixes_of_Azure_are_folders(string prefix, string blobs, string manifests, string folder)
    {
        CacheLocation location = (AzureBlobCache)Location("azblob") with { Prefix = prefix, BlobsPrefix = blobs, ManifestsPrefix = manifests };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] });
        string root = folder[..(folder.TrimEnd('/').LastIndexOf('/') + 1)];
        Assert.All(_server.Objects.Keys, k => Assert.StartsWith(root, k, StringComparison.Ordinal));
        Assert.Contains(_server.Objects.Keys, k => k.StartsWith(folder + "sha256", StringComparison.Ordinal));
        Assert.Single(_server.Objects.Keys, k => k.StartsWith(root + manifests.TrimEnd('/') + "/", StringComparison.Ordinal));
        (await _scene.NewMachine().BuildAsync(Dockerfile, location)).AssertNothingRan();
    }

    [Fact]
    public async Task A_key_of_Azure_is_that_of_the_account_that_is_named()
    {
        using var http = new CacheHttp(new RegistryOptions());
        AzureBlobCache azure = (AzureBlobCache)Location("azblob") with { AccountUrl = new Uri("https://cache.example.com/"), AccountName = "account" };
        Assert.StartsWith("SharedKey account:", await SignedAsync(azure), StringComparison.Ordinal);
        Assert.StartsWith("SharedKey cache:", await SignedAsync(azure with { AccountName = null }), StringComparison.Ordinal);

        async Task<string> SignedAsync(AzureBlobCache cache)
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(cache.AccountUrl, "container/key"));
            var authorization = new AzureAuthorization(cache, http, new CredentialOptions { Environment = FrozenDictionary<string, string>.Empty });
            await authorization.AuthorizeAsync(message, CancellationToken.None);
            return message.Headers.GetValues("Authorization").Single();
        }
    }

    [Fact]
    public async Task A_compression_level_alone_is_that_of_the_layers_made_for_the_cache()
    {
        await File.WriteAllTextAsync(Path.Combine(_scene.Context, "text"), string.Concat(Enumerable.Range(0, 200_000).Select(i => $"{i * 7919 % 104_729} ")));
        long fast = await SizeAsync(1), small = await SizeAsync(19);
        Assert.True(small < fast, $"{small} and {fast}");

        async Task<long> SizeAsync(int level)
        {
            _server.Objects.Clear();
            await _scene.NewMachine().BuildAsync(
                "FROM base\nCOPY text /\n", r => r with
                {
                    Outputs = [new OutputSpec { Type = OutputType.CacheOnly }],
                    CacheTo = [new CacheDestination(Location("s3")) { CompressionLevel = level, IgnoreError = false }],
                });
            return _server.Objects.Max(o => o.Value.Length);
        }
    }

    [Theory]
    [InlineData("gha", "scope=")]
    [InlineData("s3", "name=")]
    [InlineData("azblob", "name=")]
    public async Task Without_a_build_a_cache_that_is_not_found_is_asked_for_its_name(string kind, string key)
    {
        await using var commands = CacheCommands.Create(new BuilderOptions { StateDirectory = _scene["commands"] });
        foreach (Func<Task> command in new Func<Task>[] { () => commands.InspectAsync(Location(kind)), () => commands.ImportAsync(Location(kind)) })
        {
            KimgException error = await Assert.ThrowsAsync<KimgException>(command);
            Assert.Equal(ErrorCode.ImageNotFound, error.Code);
            Assert.Contains(key, error.Hint, StringComparison.Ordinal);
        }

        CacheLocation named = Location(kind) switch
        {
            GitHubCache github => github with { Scope = "x" },
            S3Cache s3 => s3 with { Names = ["x"] },
            AzureBlobCache azure => azure with { Names = ["x"] },
            var other => other,
        };
        Assert.Null((await Assert.ThrowsAsync<KimgException>(() => commands.InspectAsync(named))).Hint);
    }

    [Fact]
    public async Task Two_images_have_two_caches_unless_they_are_given_one_name()
    {
        CacheLocation location = Location("s3");
        foreach (string image in new[] { "team/a:1", "team/b:1" })
        {
            await _scene.NewMachine().BuildAsync(Dockerfile, r => r with
            {
                Names = [_scene.Name(image)], Outputs = [], CacheTo = [new CacheDestination(location) { IgnoreError = false }],
            });
        }

        Assert.Equal(2, _server.Objects.Keys.Count(k => k.Contains("/manifests/", StringComparison.Ordinal)));
        var named = (S3Cache)location with { Names = ["main", "branch"] };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(named) { IgnoreError = false }] });
        Assert.Equal(4, _server.Objects.Keys.Count(k => k.Contains("/manifests/", StringComparison.Ordinal)));
        (await _scene.NewMachine().BuildAsync(Dockerfile, named with { Names = ["branch"] })).AssertNothingRan();
    }

    [Theory]
    [InlineData("s3", "SignatureDoesNotMatch")]
    [InlineData("azblob", "AuthenticationFailed")]
    [InlineData("gha", "bad token")]
    public async Task Wrong_credentials_are_told_with_what_the_service_says(string kind, string said)
    {
        CacheLocation location = Location(kind) switch
        {
            S3Cache s3 => s3 with { SecretAccessKey = new Secret("wrong") },
            AzureBlobCache azure => azure with { SecretAccessKey = new Secret("d3Jvbmc=") },
            GitHubCache github => github with { Token = new Secret("wrong") },
            var other => other,
        };
        Built built = await _scene.NewMachine().BuildAsync(
            Dockerfile, r => r with { CacheFrom = [new CacheSource(location)], CacheTo = [new CacheDestination(location)] });
        Assert.Equal(2, built.Ran.Length);
        Assert.Equal(2, built.Events.Warnings.Count);
        // An answer to HEAD says nothing but a number.
        Assert.Contains(built.Events.Warnings, w => w.Contains(said, StringComparison.Ordinal));
        Assert.All(built.Events.Warnings, w => Assert.Contains("check the credentials", w, StringComparison.Ordinal));
        Assert.DoesNotContain(built.Events.Warnings, w => w.Contains("sig=", StringComparison.Ordinal) || w.Contains("Bearer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_service_that_is_busy_is_asked_again()
    {
        CacheLocation location = Location("gha");
        int refused = 0;
        _server.Fault = r => r.Path.Contains("CreateCacheEntry", StringComparison.Ordinal) && Interlocked.Increment(ref refused) <= 2
            ? new ScriptedAnswer(429, """{"code":"resource_exhausted","msg":"slow down"}""", ("Retry-After", "0")) : null;
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] });
        Assert.Empty(built.Events.Warnings);
        (await _scene.NewMachine().BuildAsync(Dockerfile, location)).AssertNothingRan();
    }

    [Fact]
    public async Task A_blob_that_the_service_has_dropped_is_made_again()
    {
        CacheLocation location = Location("s3");
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(location) { AllSteps = true }] });
        foreach (string key in _server.Objects.Keys.Where(k => k.Contains("/blobs/", StringComparison.Ordinal) && _server.Objects[k][0] != '{'))
            _server.Objects.TryRemove(key, out _);
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, location);
        Assert.Equal(2, built.Ran.Distinct().Count());
        Assert.Contains(built.Events.Warnings, w => w.Contains("is not used any more", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("s3")]
    [InlineData("azblob")]
    public async Task A_blob_that_was_cut_off_is_sent_again_by_the_next_export(string kind)
    {
        CacheLocation location = Location(kind);
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(location) { AllSteps = true, IgnoreError = false }] };
        await machine.BuildAsync(Dockerfile, export);
        foreach (string key in _server.Objects.Keys.Where(k => k.Contains("/blobs/", StringComparison.Ordinal))) _server.Objects[key] = _server.Objects[key][..^1];
        await machine.BuildAsync(Dockerfile, export);
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, location);
        built.AssertNothingRan();
        Assert.Empty(built.Events.Warnings);
    }

    [Fact]
    public async Task Objects_that_are_used_again_do_not_grow_old()
    {
        CacheLocation location = Location("s3");
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(location) { IgnoreError = false }] };
        await machine.BuildAsync(Dockerfile, export);
        foreach (string key in _server.Objects.Keys) _server.Written[key] = DateTimeOffset.UtcNow - TimeSpan.FromDays(3);
        await machine.BuildAsync(Dockerfile, export);
        Assert.All(_server.Written.Where(w => w.Key.Contains("/blobs/", StringComparison.Ordinal) && _server.Objects[w.Key][0] != '{'),
            w => Assert.True(w.Value > DateTimeOffset.UtcNow - TimeSpan.FromHours(1), w.Key));
    }

    [Fact]
    public async Task Large_blobs_go_to_Azure_in_blocks()
    {
        _server.HasContainer = true;
        byte[] large = Bytes(40 << 20);
        using var http = new CacheHttp(new RegistryOptions());
        var azure = (AzureBlobCache)Location("azblob");
        var objects = new AzureObjects(azure, http, new AzureAuthorization(azure, http, new CredentialOptions { Environment = FrozenDictionary<string, string>.Empty }));
        await objects.PutAsync("big", default, large.Length, _ => Task.FromResult<Stream>(new MemoryStream(large)), null, CancellationToken.None);
        Assert.Equal(Digest.Sha256(large), Digest.Sha256(_server.Objects["/account/cache/big"]));
        Assert.Equal(3, _server.Lines.Count(l => l.Contains("comp=block&", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Large_blobs_go_to_S3_in_parts_which_are_tried_again_one_by_one()
    {
        byte[] large = Bytes(3 << 20);
        int refused = 0;
        _server.Fault = r => r.Path.Contains("partNumber=2", StringComparison.Ordinal) && Interlocked.Increment(ref refused) == 1 ? new ScriptedAnswer(503) : null;
        var sent = new List<long>();
        await PutInPartsAsync(large, sent.Add);
        Assert.Equal(Digest.Sha256(large), Digest.Sha256(_server.Objects["/bucket/ci/big"]));
        Assert.Equal(5, _server.Lines.Count(l => l.Contains("partNumber=", StringComparison.Ordinal)));
        Assert.Equal([1_000_000, 2_000_000, 3_000_000, 3 << 20], sent);
        Assert.Equal(0, _server.Unfinished);
    }

    [Theory]
    [InlineData("partNumber=3", 403, "<Error><Code>AccessDenied</Code><Message>expired</Message></Error>", ErrorCode.AccessDenied)]
    [InlineData("POST uploadId=", 200, "<Error><Code>InternalError</Code><Message>too late</Message></Error>", ErrorCode.RegistryRefused)]
    [InlineData("partNumber=1", 200, "", ErrorCode.RegistryRefused)]
    public async Task An_upload_in_parts_that_fails_is_taken_back(string where, int status, string said, ErrorCode code)
    {
        _server.Fault = r => $"{r.Method} {r.Path.Split('?')[^1]}".Contains(where, StringComparison.Ordinal) ? new ScriptedAnswer(status, said) : null;
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => PutInPartsAsync(Bytes(3 << 20), null));
        Assert.Equal(code, error.Code);
        Assert.DoesNotContain("/bucket/ci/big", _server.Objects.Keys);
        Assert.Contains(_server.Lines, l => l.StartsWith("DELETE ", StringComparison.Ordinal));
        Assert.Equal(0, _server.Unfinished);
    }

    /// <summary>A stand-in for the answer that is lost: a 503 after the upload was completed; the next attempt finds no upload any more.</summary>
    [Theory]
    [InlineData(3 << 20, true)]
    [InlineData((3 << 20) - 1, false)]
    [InlineData(-1, false)]
    public async Task An_upload_in_parts_whose_completion_was_not_answered_is_looked_for(int found, bool isThere)
    {
        int completed = 0;
        _server.Fault = r =>
        {
            if (r.Method != "POST" || !r.Path.Contains("uploadId=", StringComparison.Ordinal)) return null;
            if (completed++ > 0) return new ScriptedAnswer(404, "<Error><Code>NoSuchUpload</Code><Message>it may have been completed</Message></Error>");
            if (found >= 0) (_server.Objects["/bucket/ci/big"], _server.Written["/bucket/ci/big"]) = (Bytes(found), DateTimeOffset.UtcNow);
            return new ScriptedAnswer(503);
        };
        Task upload = PutInPartsAsync(Bytes(3 << 20), null);
        if (isThere) await upload;
        else Assert.Contains("NoSuchUpload", (await Assert.ThrowsAsync<KimgException>(() => upload)).Message, StringComparison.Ordinal);
        Assert.Equal(isThere, !_server.Lines.Any(l => l.StartsWith("DELETE ", StringComparison.Ordinal)));
        Assert.Equal(2, completed);
    }

    [Fact]
    public async Task A_blob_that_is_not_what_it_should_be_is_not_completed()
    {
        byte[] large = Bytes(3 << 20);
        await Assert.ThrowsAnyAsync<Exception>(() => PutInPartsAsync(large, null, Digest.Sha256("other")));
        await Assert.ThrowsAsync<IOException>(() => Objects().PutAsync(
            "big", default, large.Length + 1, _ => Task.FromResult<Stream>(new MemoryStream(large)), null, CancellationToken.None));
        Assert.DoesNotContain("/bucket/ci/big", _server.Objects.Keys);
        Assert.Equal(0, _server.Unfinished);
    }

    [Fact]
    public async Task An_object_that_no_single_request_can_copy_is_made_new_in_parts()
    {
        _server.Fault = r => r.Method == "HEAD"
            ? new ScriptedAnswer(200, "", ("Content-Length", $"{(5L << 30) + 1}"), ("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")) : null;
        Assert.True(await Objects().TouchAsync("big", (5L << 30) + 1, CancellationToken.None));
        Assert.Equal(["bytes=0-5368709119", "bytes=5368709120-5368709120"],
            Encoding.ASCII.GetString(_server.Objects["/bucket/ci/big"]).Split("bytes=", StringSplitOptions.RemoveEmptyEntries).Select(r => "bytes=" + r));
        Assert.Equal(0, _server.Unfinished);
    }

    private S3Objects Objects()
    {
        var s3 = (S3Cache)Location("s3");
        var options = new RegistryOptions { RetryBaseDelay = TimeSpan.FromMilliseconds(1) };
        var credentials = new AwsCredentialChain(s3, new CredentialOptions { Environment = FrozenDictionary<string, string>.Empty });
        return new S3Objects(s3, new CacheHttp(options), credentials) { PartSize = 1_000_000 };
    }

    private Task PutInPartsAsync(byte[] bytes, Action<long>? progress, Digest? digest = null) => Objects().PutAsync(
        "big", default, bytes.Length, _ => Task.FromResult<Stream>(new VerifiedStream(new MemoryStream(bytes), digest ?? Digest.Sha256(bytes), bytes.Length)), progress,
        CancellationToken.None);

    private static byte[] Bytes(int size)
    {
        byte[] bytes = new byte[size];
        new Random(1).NextBytes(bytes.AsSpan(0, 1 << 20));
        return bytes;
    }

    /// <summary>The other places are those of registries (CloudCredentialTests).</summary>
    [Fact]
    public async Task Credentials_of_AWS_are_found_where_its_tools_find_them()
    {
        using var temp = new TempDirectory();
        Directory.CreateDirectory(temp["home/.aws"]);
        await File.WriteAllTextAsync(
            temp["home/.aws/credentials"], "[default]\naws_access_key_id = from-default\naws_secret_access_key = s\n[ci]\naws_access_key_id=from-ci\naws_secret_access_key=s\n");
        Assert.Equal("given", await FindAsync(new S3Cache("eu-west-1", "b") { AccessKeyId = "given", SecretAccessKey = new Secret("s") }));
        var found = new S3Cache("eu-west-1", "b");
        Assert.Equal("from-env", await FindAsync(found, ("AWS_ACCESS_KEY_ID", "from-env"), ("AWS_SECRET_ACCESS_KEY", "s")));
        Assert.Equal("from-default", await FindAsync(found));
        Assert.Equal("from-ci", await FindAsync(found, ("AWS_PROFILE", "ci")));
        File.Delete(temp["home/.aws/credentials"]);
        KimgException none = await Assert.ThrowsAsync<KimgException>(() => FindAsync(found, ("AWS_EC2_METADATA_DISABLED", "true")));
        Assert.Equal(ErrorCode.AuthenticationFailed, none.Code);

        async Task<string> FindAsync(S3Cache cache, params (string Name, string Value)[] variables)
        {
            var options = new CredentialOptions { Environment = variables.ToFrozenDictionary(v => v.Name, v => v.Value), HomeDirectory = temp["home"] };
            return (await new AwsCredentialChain(cache, options).GetAsync(CancellationToken.None)).AccessKey;
        }
    }

    [Fact]
    public async Task A_managed_identity_opens_Azures_storage()
    {
        int asked = 0;
        var options = new CredentialOptions
        {
            Environment = FrozenDictionary<string, string>.Empty,
            CloudHandler = () => new Metadata(request =>
            {
                asked++;
                return request.Headers.Contains("Metadata") && request.RequestUri!.Query.Contains("storage.azure.com", StringComparison.Ordinal) ? """{"access_token":"managed"}""" : null;
            }),
        };
        using var http = new CacheHttp(new RegistryOptions());
        var azure = (AzureBlobCache)Location("azblob") with { SecretAccessKey = null };
        var objects = new AzureObjects(azure, http, new AzureAuthorization(azure, http, options));
        Assert.False(await objects.TouchAsync("nothing", 1, CancellationToken.None));
        await objects.PutAsync("key", Digest.Sha256("x"), 1, _ => Task.FromResult<Stream>(new MemoryStream("x"u8.ToArray())), null, CancellationToken.None);
        Assert.True(await objects.TouchAsync("key", 1, CancellationToken.None));
        Assert.Equal(1, asked);
    }

    private sealed class Metadata(Func<HttpRequestMessage, string?> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            answer(request) is { } text
                ? new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent(text) }
                : new HttpResponseMessage(System.Net.HttpStatusCode.NotFound));
    }

    private CacheLocation Location(string kind) => kind switch
    {
        "s3" => new S3Cache("eu-west-1", "bucket")
        {
            Endpoint = _server.Url, UsePathStyle = true, Prefix = "ci/", AccessKeyId = ObjectServer.AccessKey, SecretAccessKey = new Secret(ObjectServer.SecretKey),
            SessionToken = new Secret(ObjectServer.SessionToken),
        },
        "azblob" => new AzureBlobCache(new Uri(_server.Url + "/account")) { Container = "cache", SecretAccessKey = new Secret(ObjectServer.AzureKey) },
        "azblob sas" => new AzureBlobCache(new Uri(_server.Url + "/account?sv=2023&sig=ok")) { Container = "cache" },
        _ => new GitHubCache(new Uri(_server.Url + "/results/"), new Secret(ObjectServer.Token)),
    };
}
