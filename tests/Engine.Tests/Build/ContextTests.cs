using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Where the main context comes from, and the build arguments that change how it is read and what comes of it.</summary>
public sealed class ContextTests : RemoteBuilds
{
    private const string Signature = "X-Amz-Signature=5ecre7&X-Amz-Credential=AKIA5ecre7";

    /// <summary>What S3, Google Cloud Storage and Azure Blob hand out: an https address whose query is the permission.</summary>
    [Fact]
    public async Task A_signed_address_gives_a_context_and_its_query_is_seen_by_nobody()
    {
        using var authority = new TestCertificates();
        string roots = WriteFile("ca.pem", authority.AuthorityPem);
        string tar = await TarAsync(("Dockerfile", "FROM scratch\nCOPY data /\nENV A=b\n"), ("data", "from the bucket"));
        using var server = new ScriptedServer(
            request => request.Path == "/bucket/context.tar.gz?" + Signature ? new ScriptedAnswer(200, File.ReadAllBytes(tar), ("ETag", "\"v\"")) : new ScriptedAnswer(403),
            authority.Issue("localhost"));
        var seen = new Observer();
        string metadata = Files["metadata.json"];
        await BuildAsync(
            null, request => request with { Context = new HttpContext($"https://localhost:{server.Port}/bucket/context.tar.gz?{Signature}"), MetadataFile = metadata },
            certificate: roots, observer: seen);

        Assert.Equal("from the bucket", File.ReadAllText(Out("data")));
        Assert.DoesNotContain("5ecre7", string.Concat(seen.Events.Select(e => e.ToString())), StringComparison.Ordinal);
        Assert.Equal(1, (await HostProgram.RunAsync("grep", ["-rlE", "5ecre7", Files["state"], Files["image"], metadata])).ExitCode);

        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(
            null, request => request with { Context = new HttpContext($"https://localhost:{server.Port}/bucket/other?{Signature}") }, certificate: roots));
        Assert.Equal(ErrorCode.AccessDenied, error.Code);
        Assert.DoesNotContain("5ecre7", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_inside_a_context_takes_its_place()
    {
        string tar = await TarAsync(("a/b/Dockerfile", "FROM scratch\nCOPY . /\n"), ("a/b/inner", "in"), ("outer", "out"));
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(tar)));
        await BuildAsync(null, request => request with { Context = new HttpContext($"http://{server.Host}/c.tar.gz"), ContextSubPath = "a/b" });
        Assert.Equal(["Dockerfile", "inner"], Directory.GetFiles(Files["out"]).Select(Path.GetFileName).Order());

        await HostProgram.MustAsync("tar", "-C", Directory.CreateDirectory(Files["local"]).FullName, "-xzf", tar);
        await BuildAsync(null, request => request with { Context = new DirectoryContext(Files["local"]), ContextSubPath = "/a/../a/b/" });
        Assert.Equal(["Dockerfile", "inner"], Directory.GetFiles(Files["out"]).Select(Path.GetFileName).Order());

        foreach (string missing in (string[])["a/none", "outer"])
        {
            KimgException error = await Assert.ThrowsAsync<KimgException>(
                () => BuildAsync(null, request => request with { Context = new DirectoryContext(Files["local"]), ContextSubPath = missing }));
            Assert.Equal(ErrorCode.ContextNotFound, error.Code);
            Assert.Contains($"'{missing}'", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_sub_path_of_a_fetched_context_does_not_follow_a_symlink_out_of_it()
    {
        Directory.CreateDirectory(Files["private"]);
        await File.WriteAllTextAsync(Files["private/Dockerfile"], "FROM scratch\nCOPY Dockerfile /leaked\n");
        File.CreateSymbolicLink(Files["link"], Files["private"]);
        await HostProgram.MustAsync("tar", "-C", Files.Path, "-cf", Files["c.tar"], "link");
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(Files["c.tar"])));
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => BuildAsync(null, request => request with { Context = new HttpContext($"http://{server.Host}/c.tar"), ContextSubPath = "link" }));
        Assert.Equal(ErrorCode.ContextNotFound, error.Code);
    }

    [Fact]
    public async Task A_sub_path_of_a_local_context_follows_symlinks_within_it_and_none_out_of_it()
    {
        Directory.CreateDirectory(Files["private"]);
        await File.WriteAllTextAsync(Files["private/Dockerfile"], "FROM scratch\nCOPY Dockerfile /leaked\n");
        Directory.CreateDirectory(Files["repository/real/app"]);
        await File.WriteAllTextAsync(Files["repository/real/app/Dockerfile"], "FROM scratch\nCOPY . /\n");
        foreach ((string link, string target) in new[] { ("inside", "real"), ("real/again", "../inside/app"), ("absolute", Files["private"]), ("up", "real/../../private"), ("loop", "loop") })
            File.CreateSymbolicLink(Files["repository/" + link], target);
        // The context itself is what its user says.
        File.CreateSymbolicLink(Files["checkout"], Files["repository"]);
        foreach (string inner in (string[])["inside/app", "real/again"])
        {
            await BuildAsync(null, request => request with { Context = new DirectoryContext(Files["checkout"]), ContextSubPath = inner });
            Assert.Equal(["Dockerfile"], Directory.GetFiles(Files["out"]).Select(Path.GetFileName));
        }

        foreach (string outer in (string[])["absolute", "up", "loop", "inside/../up"])
        {
            KimgException error = await Assert.ThrowsAsync<KimgException>(
                () => BuildAsync(null, request => request with { Context = new DirectoryContext(Files["checkout"]), ContextSubPath = outer }));
            Assert.Equal(ErrorCode.ContextNotFound, error.Code);
        }
    }

    [Fact]
    public async Task The_epoch_may_be_that_of_an_http_context_a_named_context_or_a_stage()
    {
        const string modified = "Wed, 21 Oct 2015 07:28:00 GMT";
        const long seconds = 1445412480;
        await HostProgram.MustAsync("touch", "-d", "@1300000000", WriteFile("old", "o"));
        await HostProgram.MustAsync("touch", "-d", "@1400000000", WriteFile("Dockerfile", "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY old /$SOURCE_DATE_EPOCH\n"));
        await HostProgram.MustAsync("tar", "-C", Files.Path, "-cf", Files["c.tar"], "old", "Dockerfile");
        using var dated = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(Files["c.tar"]), ("Last-Modified", modified)));
        using var undated = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(Files["c.tar"])));

        await BuildAsync(null, Epoch("context", request => request with { Context = new HttpContext($"http://{dated.Host}/c.tar") }));
        Assert.True(File.Exists(Out($"{seconds}")));
        await BuildAsync(null, Epoch("context", request => request with { Context = new HttpContext($"http://{undated.Host}/c.tar") }));
        Assert.True(File.Exists(Out("1400000000")), "the newest file of the archive");

        using GitServer repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("f", "x"));
        const string stages = "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<EOF /$SOURCE_DATE_EPOCH\nx\nEOF\n";
        await BuildAsync(stages, Epoch("repo", request => request with { NamedContexts = request.NamedContexts.Add("repo", new GitContext(repository.Url)) }));
        Assert.True(File.Exists(Out("1600000000")));

        string stage = $"FROM scratch AS dated\nARG WHAT=x\nADD http://{dated.Host}/$WHAT /\n" + stages;
        await BuildAsync(stage, Epoch("dated", request => request));
        Assert.True(File.Exists(Out($"{seconds}")));
        JsonNode config = await ConfigAsync();
        Assert.Equal("2015-10-21T07:28:00Z", config["created"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_index_can_be_asked_for_with_one_platform()
    {
        await BuildAsync("FROM scratch\nCOPY <<EOF /f\nx\nEOF\n", request => request with { BuildArgs = request.BuildArgs.Add("BUILDKIT_MULTI_PLATFORM", "1") });
        Assert.True(File.Exists(Out($"{Platform.Host.ToString().Replace('/', '_')}/f")));
        Assert.Equal("application/vnd.oci.image.index.v1+json", (await LayoutAsync())["manifests"]![0]!["mediaType"]!.GetValue<string>());

        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync("FROM scratch\nCOPY <<EOF /f\nx\nEOF\n", request => request with
        {
            BuildArgs = request.BuildArgs.Add("BUILDKIT_MULTI_PLATFORM", "0"), Platforms = [Platform.Parse("linux/amd64"), Platform.Parse("linux/arm64")],
        }));
        Assert.Equal(ErrorCode.InvalidArgument, error.Code);
    }

    [Theory]
    [InlineData("BUILDKIT_INLINE_CACHE", "maybe", ErrorCode.InvalidArgument)]
    [InlineData("BUILDKIT_DISABLE_FILEOP", "true", ErrorCode.UnsupportedFeature)]
    [InlineData("BUILDKIT_CONTEXT_KEEP_GIT_DIR", "perhaps", ErrorCode.InvalidArgument)]
    [InlineData("BUILDKIT_SYNTAX", "example.com/frontend", ErrorCode.UnsupportedFrontend)]
    [InlineData("BUILDKIT_DOCKERFILE_CHECK", "skip=StageNameCasing;error=true;colour=red", ErrorCode.InvalidInstruction)]
    public async Task A_build_argument_that_asks_for_what_there_is_not_is_an_error(string name, string value, ErrorCode code)
    {
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => BuildAsync("FROM scratch\nCOPY <<EOF /f\nx\nEOF\n", request => request with { BuildArgs = request.BuildArgs.Add(name, value) }));
        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Hint);
    }

    [Theory]
    [InlineData("BUILDKIT_INLINE_CACHE", "0")]
    [InlineData("BUILDKIT_INLINE_CACHE", "")]
    [InlineData("BUILDKIT_SYNTAX", "docker/dockerfile:1.7-labs")]
    [InlineData("BUILDKIT_SYNTAX", "dockerfile.v0")]
    [InlineData("BUILDKIT_BUILD_NAME", "nightly")]
    public async Task A_build_argument_that_asks_for_what_there_is_anyway_is_none(string name, string value)
    {
        await BuildAsync((name == "BUILDKIT_SYNTAX" ? "# syntax=example.com/frontend\n" : "") + "FROM scratch\nCOPY <<EOF /f\nx\nEOF\n",
            request => request with { BuildArgs = request.BuildArgs.Add(name, value), MetadataFile = Files["metadata.json"] });
        Assert.True(File.Exists(Out("f")));
        if (name == "BUILDKIT_BUILD_NAME")
            Assert.Equal(value, JsonNode.Parse(await File.ReadAllTextAsync(Files["metadata.json"]))!["kimg.build.name"]!.GetValue<string>());
    }

    private static Func<BuildRequest, BuildRequest> Epoch(string value, Func<BuildRequest, BuildRequest> change) =>
        request => change(request with { BuildArgs = request.BuildArgs.Add("SOURCE_DATE_EPOCH", value) });

    private async Task<JsonNode> LayoutAsync() => JsonNode.Parse(await File.ReadAllTextAsync(Files["image/index.json"]))!;

    private async Task<JsonNode> ConfigAsync()
    {
        JsonNode manifest = await BlobAsync((await LayoutAsync())["manifests"]![0]!);
        return await BlobAsync(manifest["config"]!);
    }

    private async Task<JsonNode> BlobAsync(JsonNode descriptor) =>
        JsonNode.Parse(await File.ReadAllTextAsync(Files["image/blobs/" + descriptor["digest"]!.GetValue<string>().Replace(':', '/')]))!;

    private sealed class Observer : IBuildObserver
    {
        public ConcurrentQueue<BuildEvent> Events { get; } = [];

        public void OnEvent(BuildEvent e) => Events.Enqueue(e);
    }
}
