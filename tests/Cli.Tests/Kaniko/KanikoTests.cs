using Kimg.Cli.Facade;
using Kimg.Cli.Kaniko;
using Kimg.Cli.Tests.Progress;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Kaniko;

public sealed class KanikoTests : IDisposable
{
    private readonly TestHost _host = new();

    public KanikoTests() => _host.Write("app/Dockerfile", "FROM scratch\n");

    private BuildRequest Request => _host.Engine.Request!;

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task The_usual_line_of_a_gitlab_job_builds_and_pushes()
    {
        await Run("--context", $"{_host.WorkingDirectory}/app", "--dockerfile", "Dockerfile", "--destination", "r.example/team/app:1", "--destination=r.example/team/app:2");
        Assert.Equal(new DirectoryContext(Path.Combine(_host.WorkingDirectory, "app")), Request.Context);
        Assert.Equal(Path.Combine(_host.WorkingDirectory, "app/Dockerfile"), Request.DockerfilePath);
        Assert.Equal(["r.example/team/app:1", "r.example/team/app:2"], Request.Names.Select(n => n.ToString()));
        OutputSpec output = Assert.Single(Request.Outputs);
        Assert.True(output is { Type: OutputType.Image, Push: true, OciMediaTypes: true });
    }

    [Fact]
    public async Task Digest_files_are_written_with_their_directories()
    {
        await Run("-c", "app", "-d", "r.example/app:1", "-d", "app:2", "--digest-file=out/digest", "--image-name-with-digest-file=out/name", "--image-name-tag-with-digest-file=out/tag");
        Digest digest = RecordingEngine.Root.Digest;
        Assert.Equal(digest.ToString(), Read("out/digest"));
        Assert.Equal($"r.example/app@{digest}\ndocker.io/library/app@{digest}\n", Read("out/name"));
        Assert.Equal($"r.example/app:1@{digest}\ndocker.io/library/app:2@{digest}\n", Read("out/tag"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_named()
    {
        _host.Write("taken", "a file, not a directory");
        Assert.Equal(8, await _host.RunAsync("kaniko", "--no-push", "--context", "app", "--digest-file=taken/digest"));
        Assert.Contains($"the file '{_host.WorkingDirectory}/taken/digest' cannot be written", _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("git://git.example/team/app#refs/heads/main", "https://git.example/team/app.git?ref=refs%2Fheads%2Fmain&submodules=false")]
    [InlineData("git://git.example/team/app.git#refs/heads/main#0123456789012345678901234567890123456789", "https://git.example/team/app.git?ref=0123456789012345678901234567890123456789&submodules=false")]
    [InlineData("git://git.example/team/app.git", "https://git.example/team/app.git?submodules=false")]
    [InlineData("git://git.example/team/app.git --git branch=v1 --git recurse-submodules=true --git depth=1", "https://git.example/team/app.git?ref=v1&submodules=true")]
    [InlineData("https://git.example/team/app --git-branch main", "https://git.example/team/app.git?ref=main")]
    [InlineData("https://git.example/team/app.git --git-branch main --git-revision abc123", "https://git.example/team/app.git?ref=abc123")]
    public async Task Git_contexts_in_all_forms(string arguments, string url)
    {
        await Run(["--no-push", "--context", .. arguments.Split(' ')]);
        Assert.Equal(new GitContext(url), Request.Context);
    }

    [Fact]
    public async Task Git_credentials_are_for_the_contexts_host_only_and_never_in_the_address()
    {
        _host.Write("token", "s3cret\n");
        await Run("--no-push", "-c", "git://git.example:8443/app", "--git-token-file=token", "--git-token-user=bot");
        SecretSource secret = Assert.Single(Request.Secrets);
        Assert.Equal("GIT_AUTH_HEADER.git.example:8443", secret.Id);
        Assert.Equal("basic Ym90OnMzY3JldA==", _host.EngineOptions!.Variables[secret.Variable!]);
        Assert.DoesNotContain("s3cret", Request.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_variables_of_kaniko_for_git_are_used()
    {
        (_host.Environment["GIT_USERNAME"], _host.Environment["GIT_PASSWORD"], _host.Environment["GIT_PULL_METHOD"]) = ("u", "p", "http");
        await Run("--no-push", "-c", "git://git.example/app");
        Assert.Equal(new GitContext("http://git.example/app.git?submodules=false"), Request.Context);
        Assert.Equal("basic dTpw", _host.EngineOptions!.Variables.Values.Single());
    }

    [Fact]
    public async Task Archives_and_addresses_are_contexts_too()
    {
        _host.Write("c.tar.gz", "x");
        await Run("--no-push", "--context", "tar://c.tar.gz", "-f", "sub/Dockerfile", "--context-sub-path", "sub");
        Assert.IsType<TarContext>(Request.Context);
        Assert.Equal(("sub/Dockerfile", "sub"), (Request.DockerfilePath, Request.ContextSubPath));
        await Run("--no-push", "--context", "https://files.example/c.tar.gz");
        Assert.Equal(new HttpContext("https://files.example/c.tar.gz"), Request.Context);
        await Run("--no-push", "--context", "dir://app");
        Assert.IsType<DirectoryContext>(Request.Context);
    }

    [Fact]
    public async Task The_cache_is_a_repository_of_its_own()
    {
        await Run("-c", "app", "-d", "r.example/team/app:1", "--cache=true", "--cache-ttl=24h30m");
        CacheSource source = Assert.Single(Request.CacheFrom);
        Assert.StartsWith("r.example/team/app/cache:kimg-", source.Location.ToString(), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromHours(24.5), source.MaxAge);
        Assert.True(Assert.Single(Request.CacheTo).AllSteps);

        await Run("-c", "app", "-d", "r.example/team/app:1", "--cache", "--cache-repo=r.example/c", "--no-push-cache");
        Assert.StartsWith("r.example/c:kimg-", Request.CacheFrom[0].Location.ToString(), StringComparison.Ordinal);
        Assert.Empty(Request.CacheTo);

        await Run("-c", "app", "--no-push", "-d", "r.example/app", "--cache", "--cache-repo=oci:c", "--cache-dir=d");
        string[] directories = [.. Request.CacheTo.Select(c => Assert.IsType<LocalCache>(c.Location).Directory)];
        Assert.Equal([Path.Combine(_host.WorkingDirectory, "d"), Path.Combine(_host.WorkingDirectory, "c")], directories);
    }

    [Theory]
    [InlineData("--cache-repo=r.example/c")]
    [InlineData("--cache-repo=oci:c")]
    [InlineData("--cache-dir=d")]
    public async Task Images_that_share_a_place_for_their_caches_do_not_overwrite_each_other(string place)
    {
        _host.Write("other/Dockerfile", "FROM scratch\n");
        string one = await Tag("-c", "app", "-d", "r.example/k1:1"), two = await Tag("-c", "app", "-d", "r.example/k2:1");
        Assert.NotEqual(one, two);
        // Only the name counts: neither its tag nor where the context lies on this runner.
        Assert.Equal(one, await Tag("-c", "other", "-d", "r.example/k1:2"));
        Assert.NotEqual(one, await Tag("-c", "app", "-d", "r.example/k1:1", "--target=tests"));
        Assert.NotEqual(one, await Tag("-c", "app", "-d", "r.example/k1:1", "--custom-platform=linux/arm64"));

        string unnamed = await Tag("-c", "app", "--no-push");
        Assert.Equal(unnamed, await Tag("-c", "app", "--no-push"));
        Assert.NotEqual(unnamed, await Tag("-c", "other", "--no-push"));
        Assert.NotEqual(unnamed, await Tag("-c", "app", "--no-push", "-f", "other/Dockerfile"));

        async Task<string> Tag(params string[] arguments)
        {
            await Run([.. arguments, "--cache", .. place == "--cache-dir=d" ? ["--cache-repo=r.example/c"] : Array.Empty<string>(), place]);
            return Assert.Single(Request.CacheTo.Select(c => c.Location switch
            {
                LocalCache local => local.Tag,
                RegistryCache registry => registry.Reference.Tag!,
                var location => throw new InvalidOperationException(location.ToString()),
            }).Distinct());
        }
    }

    [Fact]
    public void Of_a_repository_the_address_names_the_cache_and_not_the_commit()
    {
        Assert.Equal(Tag("https://git.example/app.git?ref=1"), Tag("https://git.example/app.git?ref=2"));
        Assert.NotEqual(Tag("https://git.example/app.git"), Tag("https://git.example/other.git"));

        static string Tag(string url) => TagOf(new BuildRequest { Context = new GitContext(url) });
    }

    [Fact]
    public void What_is_built_and_not_pushed_uses_the_cache_of_its_name_but_no_repository_beside_it()
    {
        var request = new BuildRequest { Context = new DirectoryContext("/c"), Names = [ImageReference.Parse("r.example/k1:1")] };
        BuildRequest pushed = request with { Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }] };
        Assert.Equal(TagOf(pushed), TagOf(request));
        Assert.Throws<KimgException>(() => new KanikoCache(null, null).ApplyTo(request));
        Assert.StartsWith("r.example/k1/cache:kimg-", Assert.Single(new KanikoCache(null, null).ApplyTo(pushed).CacheTo).Location.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kimia_is_understood_with_its_own_spellings()
    {
        string[] argv = KanikoCommandLine.Translate(
            "/usr/local/bin/kimia",
            ["-c", "app", "-d", "r.example/a", "--cache", "yes", "-t", "build", "--storage-driver=vfs", "--cache-dir=/c", "--export-cache", "type=inline", "--timestamp", "7", "--attestation=off"]);
        Assert.Equal(0, await _host.RunAsync(argv));
        Assert.Equal(("build", 7L), (Request.Target, Request.SourceDateEpoch!.Value));
        Assert.Equal("native", _host.EngineOptions!.StorageDriver);
        Assert.Equal(3, Request.CacheTo.Length);
    }

    [Theory]
    [InlineData("/kaniko/executor", "version", "version")]
    [InlineData("kimia", "check-environment", "doctor")]
    [InlineData("executor", "login", "login")]
    [InlineData("executor", "--no-push", "kaniko")]
    [InlineData("kimg", "build", "build")]
    public void The_name_it_is_started_with_decides(string program, string first, string verb) =>
        Assert.Equal(verb, KanikoCommandLine.Translate(program, [first])[0]);

    [Fact]
    public async Task Archives_layouts_and_formats_are_outputs()
    {
        await Run("-c", "app", "-d", "a:1", "--no-push", "--tar-path=out,\"1\".tar", "--oci-layout-path=layout", "--compression-level=3", "--image-format=docker", "--reproducible");
        Assert.Equal([OutputType.Image, OutputType.Docker, OutputType.Oci], Request.Outputs.Select(o => o.Type));
        Assert.True(Request.Outputs[0] is { Push: false, OciMediaTypes: false, CompressionLevel: 3, Compression: Compression.Gzip });
        Assert.Equal(Path.Combine(_host.WorkingDirectory, "out,\"1\".tar"), Request.Outputs[1].Destination);
        Assert.False(Request.Outputs[2].Tar);
        Assert.Equal(0, Request.SourceDateEpoch);
    }

    [Fact]
    public async Task Registries_are_reached_as_the_flags_say()
    {
        _host.Write("ca.pem", "x");
        await Run(
            "-c", "app", "-d", "r.example/a", "--insecure", "--insecure-registry=b.example:5000", "--registry-mirror=m.example", "--registry-map=quay.io=q.example/p;index.docker.io=d.example",
            "--registry-certificate=r.example=ca.pem", "--push-retry=8", "--image-download-retry=2");
        EngineOptions options = _host.EngineOptions!;
        Assert.Equal(["b.example:5000", "r.example"], options.InsecureRegistries.ToArray());
        Assert.Equal([("docker.io", "m.example"), ("quay.io", "q.example/p"), ("docker.io", "d.example")], options.Mirrors.ToArray());
        Assert.Equal(new RegistryCertificate("r.example", Path.Combine(_host.WorkingDirectory, "ca.pem"), null, null), Assert.Single(options.Certificates));
        Assert.Equal(9, options.Attempts);
    }

    [Fact]
    public async Task Lines_have_times_when_they_are_asked_for_and_are_silent_from_warn_on()
    {
        _host.Engine.Events = Recording.Failing().Events;
        await Run("-c", "app", "--no-push", "--log-timestamp");
        Assert.All(_host.Error.TrimEnd('\n').Split('\n'), line => Assert.StartsWith("2026-03-04T05:06:07.000Z ", line, StringComparison.Ordinal));
        int before = _host.Error.Length;
        await Run("-c", "app", "--no-push", "-v", "error");
        Assert.Equal(before, _host.Error.Length);
        await Run("-c", "app", "--no-push", "--log-format=json");
        Assert.StartsWith("{", _host.Error[before..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--single-snapshot", "--single-snapshot is not supported")]
    [InlineData("--insecure-pull", "--insecure-registry HOST")]
    [InlineData("--sign", "cosign sign")]
    [InlineData("--cache-run-layers=false", "--no-cache")]
    [InlineData("--context=s3://b/c.tar.gz", "buckets are not supported")]
    [InlineData("--context=gs://b/c.tar.gz", "signed https:// address")]
    [InlineData("--target=a,b", "only one --target")]
    [InlineData("--image-format=docker --compression=zstd", "no zstd layers")]
    [InlineData("--dockerfile=https://x.example/Dockerfile", "not downloaded")]
    [InlineData("--git=insecure-skip-tls=true", "GIT_SSL_CAINFO")]
    [InlineData("--snapshot-modus=full", "did you mean '--snapshot-mode'?")]
    [InlineData("--cache", "name one with --cache-repo")]
    [InlineData("--context=app --context-sub-path ../../etc", "it is not below the context")]
    [InlineData("--context=app --context-sub-path=/../etc", "it is not below the context")]
    [InlineData("--compression-level=10", "invalid value '10' for --compression-level")]
    [InlineData("--compression=zstd --compression-level=23", "-1 to 22 for zstd")]
    [InlineData("--push-retry=-1", "invalid value '-1' for --push-retry: it is not a count")]
    public async Task What_cannot_be_honoured_is_an_error_with_the_alternative(string arguments, string message)
    {
        string[] context = arguments.Contains("--context", StringComparison.Ordinal) ? [] : ["--context", "app"];
        Assert.Equal(2, await _host.RunAsync(KanikoCommandLine.Translate("kimg", ["kaniko", "--no-push", .. context, .. arguments.Split(' ')])));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
        Assert.Null(_host.Engine.Request);
    }

    [Fact]
    public async Task Without_a_name_nothing_is_pushed_by_mistake()
    {
        Assert.Equal(2, await _host.RunAsync("kaniko", "-c", "app"));
        Assert.Contains("--destination REGISTRY/NAME:TAG, or --no-push", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_of_the_migration_guide_is_what_the_code_says()
    {
        const string Begin = "<!-- flags: made from src/Cli/Kaniko/KanikoFlags.cs -->\n", End = "<!-- /flags -->";
        string path = Path.Combine(Golden.Repository(), "docs/migrating.md"), text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = text.IndexOf(End, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("KIMG_UPDATE_GOLDEN") == "1") File.WriteAllText(path, text = text[..begin] + KanikoFlags.Table() + text[end..]);
        Assert.Contains(Begin + KanikoFlags.Table() + End, text, StringComparison.Ordinal);
    }

    private async Task Run(params string[] argv)
    {
        int code = await _host.RunAsync(KanikoCommandLine.Translate("kimg", ["kaniko", .. argv]));
        Assert.True(code == 0, _host.Error);
    }

    private static string TagOf(BuildRequest request) => Assert.IsType<LocalCache>(new KanikoCache(null, "/d").ApplyTo(request).CacheTo[0].Location).Tag;

    private string Read(string path) => File.ReadAllText(Path.Combine(_host.WorkingDirectory, path));
}
