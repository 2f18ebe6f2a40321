using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Options;

/// <summary>Each flag: value → request.</summary>
public sealed class BuildRequestParserTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("-t", "app")]
    [InlineData("-tapp")]
    [InlineData("-t=app")]
    [InlineData("--tag=app")]
    [InlineData("--tag", "app")]
    public async Task Takes_every_spelling_of_an_option(params string[] argv)
    {
        BuildRequest request = await Parse(argv);
        Assert.Equal("docker.io/library/app:latest", Assert.Single(request.Names).ToString());
    }

    [Theory]
    [InlineData(null, "ACTIONS_RESULTS_URL is not set")]
    [InlineData("https://results.example.com/", "ACTIONS_RUNTIME_TOKEN is not set")]
    public async Task Outside_a_job_of_GitHub_its_cache_is_no_reason_to_fail(string? url, string reason)
    {
        if (url is not null) _host.Environment["ACTIONS_RESULTS_URL"] = url;
        BuildRequest request = await Parse("--cache-from=type=gha", "--cache-to=type=gha,mode=max");
        foreach (CacheLocation location in new[] { Assert.Single(request.CacheFrom).Location, Assert.Single(request.CacheTo).Location })
            Assert.EndsWith(reason, Assert.IsType<UnavailableCache>(location).Reason.Message, StringComparison.Ordinal);
        _host.Environment["ACTIONS_RUNTIME_TOKEN"] = "t";
        Assert.Equal(url is null ? typeof(UnavailableCache) : typeof(GitHubCache), (await Parse("--cache-from=type=gha")).CacheFrom[0].Location.GetType());
    }

    [Fact]
    public async Task A_build_without_options_asks_for_nothing_special()
    {
        BuildRequest request = await Parse();
        Assert.Equal(new DirectoryContext(_host.WorkingDirectory), request.Context);
        Assert.Null(request.DockerfilePath);
        Assert.Empty(request.Platforms);
        Assert.Empty(request.Outputs);
        Assert.Null(request.SourceDateEpoch);
        Assert.False(request.NoCache || request.Pull);
    }

    [Fact]
    public async Task The_context_may_be_an_option_and_a_directory_inside_it_may_take_its_place()
    {
        Assert.Equal(0, await _host.RunAsync("build", "--context", "https://host/c.tgz?sig=x", "--context-sub-path", "a/b"));
        Assert.Equal(new HttpContext("https://host/c.tgz?sig=x"), _host.Engine.Request!.Context);
        Assert.Equal("a/b", _host.Engine.Request.ContextSubPath);
    }

    [Theory]
    [InlineData("build", "needs a context")]
    [InlineData("check", "needs a context")]
    [InlineData("build --context . .", "given twice")]
    public async Task The_context_is_given_once(string argv, string message)
    {
        Assert.Equal(2, await _host.RunAsync(argv.Split(' ')));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_names_stay_in_order()
    {
        BuildRequest request = await Parse("-t", "b:1", "--tag", "r.example.com/a:2");
        Assert.Equal(["docker.io/library/b:1", "r.example.com/a:2"], request.Names.Select(n => n.ToString()));
    }

    [Fact]
    public async Task A_build_argument_without_value_comes_from_the_environment_or_is_left_out()
    {
        _host.Environment["SET"] = "from here";
        BuildRequest request = await Parse("--build-arg", "SET", "--build-arg", "UNSET", "--build-arg", "A=1=2", "--build-arg", "A=3", "--build-arg=E=");
        Assert.Equal("A=3 E= SET=from here", string.Join(' ', request.BuildArgs.Select(p => $"{p.Key}={p.Value}")));
    }

    [Theory]
    [InlineData("linux/amd64,linux/arm64", "linux/amd64 linux/arm64")]
    [InlineData("arm/v7", "arm/v7")]
    [InlineData("linux/x86_64,linux/amd64", "linux/amd64")]
    public async Task Platforms_are_split_normalised_and_kept_once(string value, string expected)
    {
        BuildRequest request = await Parse("--platform", value);
        Assert.Equal(expected, string.Join(' ', request.Platforms));
    }

    [Fact]
    public async Task Labels_hosts_limits_and_sizes()
    {
        BuildRequest request = await Parse(
            "--label", "a=1", "--label", "b", "--add-host", "db:10.0.0.5", "--add-host=v6=[::1]", "--add-host", "x:1.1.1.1,y:2.2.2.2",
            "--ulimit", "nofile=1024:2048", "--ulimit", "core=-1", "--shm-size", "2g", "--network", "none", "--allow", "network.host");
        Assert.Equal("1", request.Labels["a"]);
        Assert.Equal("", request.Labels["b"]);
        Assert.Equal([new("db", "10.0.0.5"), new("v6", "::1"), new("x", "1.1.1.1"), new("y", "2.2.2.2")], request.ExtraHosts.AsEnumerable());
        Assert.Equal([new Ulimit("nofile", 1024, 2048), new Ulimit("core", -1, -1)], request.Ulimits.AsEnumerable());
        Assert.Equal(2L << 30, request.ShmSize);
        Assert.Equal(NetworkMode.None, request.Network);
        Assert.Equal(["network.host"], request.Entitlements.AsEnumerable());
    }

    [Theory]
    [InlineData("64m", 64L << 20)]
    [InlineData("1.5k", 1536)]
    [InlineData("100", 100)]
    [InlineData("1GiB", 1L << 30)]
    [InlineData("2 kb", 2048)]
    public async Task Sizes_have_units_of_1024(string text, long bytes) => Assert.Equal(bytes, (await Parse("--shm-size", text)).ShmSize);

    [Fact]
    public async Task Annotations_have_levels_and_platforms()
    {
        BuildRequest request = await Parse("--annotation", "k=v", "--annotation", "index,manifest[linux/arm64]:org.x:y=1=2", "--annotation", "a:b=c");
        Assert.Equal(
            [
                new("k", "v"),
                new("org.x:y", "1=2", "index"),
                new("org.x:y", "1=2", "manifest", new Platform("linux", "arm64")),
                new("a:b", "c"),
            ],
            request.Annotations.AsEnumerable());
    }

    [Fact]
    public async Task Secrets_name_a_file_or_a_variable()
    {
        string file = _host.Write("key.pem", "k");
        _host.Write("plain", "k");
        _host.Environment["TOKEN"] = "t";
        BuildRequest request = await Parse(
            "--secret", "id=a,src=key.pem", "--secret", "id=b,env=TOKEN", "--secret", "id=TOKEN", "--secret", "id=plain", "--secret", "type=env,id=c,src=TOKEN");
        Assert.Equal(
            [
                new("a", file, null), new("b", null, "TOKEN"), new("TOKEN", null, "TOKEN"),
                new("plain", Path.Combine(_host.WorkingDirectory, "plain"), null), new("c", null, "TOKEN"),
            ],
            request.Secrets.AsEnumerable());
    }

    [Fact]
    public async Task Ssh_is_the_agent_or_keys()
    {
        string one = _host.Write("id_a", "k"), two = _host.Write("id_b", "k");
        _host.Environment["SSH_AUTH_SOCK"] = "/run/agent";
        BuildRequest request = await Parse("--ssh", "default", "--ssh", "git=id_a,id_b");
        Assert.Equal("default", request.Ssh[0].Id);
        Assert.Empty(request.Ssh[0].Paths);
        Assert.Equal([one, two], request.Ssh[1].Paths.AsEnumerable());
    }

    [Fact]
    public async Task Named_contexts_of_all_kinds()
    {
        _host.Write("layout/oci-layout", "{}");
        BuildRequest request = await Parse(
            "--build-context", "dir=.", "--build-context", "img=docker-image://alpine:3", "--build-context", "lay=oci-layout://layout:v1",
            "--build-context", "git=https://github.com/a/b.git#main:sub", "--build-context", "tgz=https://example.com/x.tgz");
        Assert.Equal(new DirectoryContext(_host.WorkingDirectory), request.NamedContexts["dir"]);
        Assert.Equal("docker.io/library/alpine:3", Assert.IsType<ImageContext>(request.NamedContexts["img"]).Reference.ToString());
        Assert.Equal(new OciLayoutContext(Path.Combine(_host.WorkingDirectory, "layout"), "v1", null), request.NamedContexts["lay"]);
        Assert.Equal(new GitContext("https://github.com/a/b.git#main:sub"), request.NamedContexts["git"]);
        Assert.Equal(new HttpContext("https://example.com/x.tgz"), request.NamedContexts["tgz"]);
    }

    [Theory]
    [InlineData("https://github.com/a/b.git", true)]
    [InlineData("https://github.com/a/b.git?ref=v1&subdir=x", true)]
    [InlineData("git@github.com:a/b.git#v1:dir", true)]
    [InlineData("user@host.example:repo", true)]
    [InlineData("github.com/a/b", true)]
    [InlineData("ssh://git@host/repo", true)]
    [InlineData("git://host/repo", true)]
    [InlineData("https://example.com/ctx.tar.gz", false)]
    [InlineData("http://example.com/a.git.tar", false)]
    public async Task A_remote_context_is_a_repository_or_a_download(string url, bool git)
    {
        Assert.Equal(0, await _host.RunAsync("build", url));
        Assert.Equal(git ? new GitContext(url) : new HttpContext(url), _host.Engine.Request!.Context);
    }

    [Fact]
    public async Task A_directory_wins_over_a_url_of_the_same_spelling()
    {
        _host.Write("github.com/a/b/Dockerfile", "");
        Assert.Equal(0, await _host.RunAsync("build", "github.com/a/b"));
        Assert.IsType<DirectoryContext>(_host.Engine.Request!.Context);
    }

    [Fact]
    public async Task Stdin_as_context_is_a_Dockerfile_unless_it_looks_like_an_archive()
    {
        _host.Input = "FROM scratch\n"u8.ToArray();
        await _host.RunAsync("build", "-");
        Assert.Equal("FROM scratch\n", _host.Engine.Request!.DockerfileText);
        Assert.IsType<EmptyContext>(_host.Engine.Request.Context);

        var tar = new byte[1024];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        _host.Input = tar;
        await _host.RunAsync("build", "-f", "sub/Dockerfile", "-");
        Stream read = Assert.IsType<TarContext>(_host.Engine.Request.Context).Tar;
        var all = new MemoryStream();
        await read.CopyToAsync(all);
        Assert.Equal(tar, all.ToArray());
        Assert.Equal("sub/Dockerfile", _host.Engine.Request.DockerfilePath);
    }

    [Fact]
    public async Task The_Dockerfile_may_come_from_stdin_or_a_path_of_this_machine()
    {
        _host.Input = "FROM x\n"u8.ToArray();
        Assert.Equal("FROM x\n", (await Parse("-f", "-")).DockerfileText);
        Assert.Equal(Path.Combine(_host.WorkingDirectory, "a/Dockerfile"), (await Parse("-f", "a/Dockerfile")).DockerfilePath);
    }

    [Fact]
    public async Task Source_date_epoch_comes_from_the_environment_and_a_build_argument_wins()
    {
        _host.Environment["SOURCE_DATE_EPOCH"] = "100";
        Assert.Equal(100, (await Parse()).SourceDateEpoch);
        Assert.Equal(7, (await Parse("--build-arg", "SOURCE_DATE_EPOCH=7")).SourceDateEpoch);
        Assert.Null((await Parse("--build-arg", "SOURCE_DATE_EPOCH=context")).SourceDateEpoch);
    }

    [Theory]
    [InlineData("--provenance=false")]
    [InlineData("--sbom=false")]
    [InlineData("--attest=type=provenance,disabled=true")]
    [InlineData("--pull=false")]
    [InlineData("--load=false")]
    public async Task What_happens_anyway_may_be_said(string option) => Assert.NotNull(await Parse(option));

    [Fact]
    public async Task Push_is_an_image_output_or_makes_one_push()
    {
        Assert.Equal([new OutputSpec { Type = OutputType.Image, Push = true }], (await Parse("--push", "-t", "a")).Outputs.AsEnumerable());
        OutputSpec given = Assert.Single((await Parse("--push", "-t", "a", "-o", "type=image,compression=zstd")).Outputs);
        Assert.True(given.Push);
        Assert.Equal(Compression.Zstd, given.Compression);
    }

    private async Task<BuildRequest> Parse(params string[] options)
    {
        int code = await _host.RunAsync(["build", .. options, "."]);
        Assert.True(code == 0, _host.Error);
        return _host.Engine.Request!;
    }
}
