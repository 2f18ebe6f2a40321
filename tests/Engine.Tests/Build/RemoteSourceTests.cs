using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Whole builds whose files come over git and http, from real servers on loopback.</summary>
public sealed class RemoteSourceTests : RemoteBuilds
{
    [Fact]
    public async Task A_file_is_added_from_a_url_with_the_servers_time_and_asked_for_but_not_sent_again()
    {
        using var server = new ScriptedServer(request => request.Headers.GetValueOrDefault("If-None-Match") == "\"one\""
            ? new ScriptedAnswer(304, "", ("ETag", "\"one\""))
            : new ScriptedAnswer(200, "content", ("ETag", "\"one\""), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")));
        string text = $"FROM scratch\nADD http://{server.Host}/dir/file.txt /\n";

        await BuildAsync(text);
        BuildResult second = await BuildAsync(text);

        Assert.Equal("content", File.ReadAllText(Out("file.txt")));
        Assert.Equal(new DateTime(2015, 10, 21, 7, 28, 0, DateTimeKind.Utc), File.GetLastWriteTimeUtc(Out("file.txt")));
        Assert.Equal("600\n", await HostProgram.MustAsync("stat", "-c", "%a", Out("file.txt")));
        Assert.Equal(2, server.Requests.Count);
        Assert.Equal(2, second.CachedVertices); // ADD and the scratch below it
    }

    [Fact]
    public async Task A_changed_file_is_added_anew()
    {
        string content = "one";
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, content));
        string text = $"FROM scratch\nADD http://{server.Host}/file /\n";

        await BuildAsync(text);
        content = "two";
        await BuildAsync(text);

        Assert.Equal("two", File.ReadAllText(Out("file")));
    }

    [Fact]
    public async Task A_file_that_is_not_the_expected_one_fails_and_one_that_is_here_is_not_asked_for()
    {
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, "content"));
        string good = $"FROM scratch\nADD --checksum={Digest.Sha256("content")} http://{server.Host}/file /\n";

        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => BuildAsync($"FROM scratch\nADD --checksum={Digest.Sha256("other")} http://{server.Host}/file /\n"));
        Assert.Equal(ErrorCode.ChecksumMismatch, error.Code);
        await BuildAsync(good);
        await BuildAsync(good);

        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_token_goes_to_its_host_and_no_further()
    {
        using var other = new ScriptedServer(_ => new ScriptedAnswer(200, "content"));
        using var server = new ScriptedServer(_ => new ScriptedAnswer(302, "", ("Location", $"http://{other.Host}/elsewhere")));
        await BuildAsync($"FROM scratch\nADD http://{server.Host}/file /\n", request => request with
        {
            Secrets = [new SecretSource("HTTP_AUTH_TOKEN_127.0.0.1", WriteFile("token", "s3cret\n"), null)],
        });

        Assert.Equal("Bearer s3cret", Assert.Single(server.Requests).Authorization);
        Assert.Null(Assert.Single(other.Requests).Authorization);
    }

    [Theory]
    [InlineData(404, ErrorCode.DownloadFailed)]
    [InlineData(401, ErrorCode.AccessDenied)]
    [InlineData(302, ErrorCode.DownloadFailed)]
    public async Task A_refusal_is_an_error_without_the_secrets_of_the_address(int status, ErrorCode code)
    {
        using var server = new ScriptedServer(_ => new ScriptedAnswer(status, "", ("Location", "/again")));
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => BuildAsync($"FROM scratch\nADD http://user:s3cret@{server.Host}/file?key=s3cret /\n"));

        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Hint);
        Assert.DoesNotContain("s3cret", error.Message + error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_at_a_url_is_a_context_and_its_Dockerfile_is_found_in_it()
    {
        string tar = await TarAsync(("sub/Dockerfile", "FROM scratch\nCOPY data /\n"), ("data", "from the tar"), (".dockerignore", "data\n"));
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(tar)));
        await BuildAsync(null, request => request with { Context = new HttpContext($"http://{server.Host}/context.tar.gz"), DockerfilePath = "sub/Dockerfile" });

        Assert.Equal("from the tar", File.ReadAllText(Out("data")));
    }

    [Fact]
    public async Task A_fetched_context_with_a_name_that_is_no_text_is_built_and_removed()
    {
        string tar = Files["odd.tar"];
        await HostProgram.MustAsync("sh", "-c", $"""
            cd {Files.Path}; printf 'FROM scratch\nCOPY Dockerfile /\n' > Dockerfile; name="$(printf 'caf\351')"; : > "$name"
            tar -cf {tar} Dockerfile "$name"; rm "$name"
            """);
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(tar)));
        await BuildAsync(null, request => request with { Context = new HttpContext($"http://{server.Host}/odd.tar") });

        Assert.True(File.Exists(Out("Dockerfile")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Files["state/tmp"]));
    }

    [Fact]
    public async Task A_text_at_a_url_is_a_Dockerfile()
    {
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, "FROM scratch\nCOPY <<EOF /made\nhere\nEOF\n"));
        await BuildAsync(null, request => request with { Context = new HttpContext($"http://{server.Host}/anything") });

        Assert.Equal("here\n", File.ReadAllText(Out("made")));
    }

    [Fact]
    public async Task A_Dockerfile_of_a_fetched_context_is_never_one_of_this_machine()
    {
        string secret = WriteFile("secret", "FROM scratch\nCOPY <<EOF /leaked\nx\nEOF\n");
        File.CreateSymbolicLink(Files["Dockerfile"], secret);
        string tar = Files["link.tar"];
        await HostProgram.MustAsync("tar", "-C", Files.Path, "-cf", tar, "Dockerfile");
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(tar)));

        foreach (string? path in new[] { null, secret, "../../secret" })
        {
            KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(null, request => request with
            {
                Context = new HttpContext($"http://{server.Host}/link.tar"), DockerfilePath = path,
            }));
            Assert.Equal(ErrorCode.DockerfileNotFound, error.Code);
        }
    }

    [Fact]
    public async Task A_directory_of_a_branch_is_a_context_with_the_modes_git_knows()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("app/Dockerfile", "FROM scratch\nCOPY . /\n"), ("app/run.sh", "#!/bin/sh\n"), ("other", ""));
        await repository.GitAsync("update-index", "--chmod=+x", "app/run.sh");
        await repository.GitAsync("commit", "-qm", "executable");
        await BuildAsync(null, request => request with { Context = new GitContext(repository.Url + "#main:app") });

        Assert.Equal("755 ./run.sh\n644 ./Dockerfile\n", await ModesAsync());
    }

    [Fact]
    public async Task A_repository_is_added_at_a_commit_and_known_from_then_on()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("file", "one"));
        string commit = (await repository.GitAsync("rev-parse", "HEAD")).Trim();
        await repository.CommitAsync(("file", "two"));

        await BuildAsync($"FROM scratch\nADD {repository.Url}#{commit} /pinned/\nADD {repository.Url} /latest/\n");
        BuildResult again = await BuildAsync($"FROM scratch\nADD {repository.Url}#{commit} /pinned/\nADD {repository.Url} /latest/\n");

        Assert.Equal(("one", "two"), (File.ReadAllText(Out("pinned/file")), File.ReadAllText(Out("latest/file"))));
        Assert.False(Path.Exists(Out("latest/.git")));
        Assert.Equal(4, again.CachedVertices); // both ADDs, scratch and the pinned source
        repository.Dispose();
        await BuildAsync($"FROM scratch\nADD {repository.Url}#{commit} /other/\n");
        Assert.Equal("one", File.ReadAllText(Out("other/file")));
    }

    [Fact]
    public async Task What_was_fetched_by_git_and_what_web_servers_said_is_listed_by_its_last_use_and_pruned()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("file", "one"));
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, "content", ("ETag", "\"one\"")));
        string text = $"FROM scratch\nADD {repository.Url} /\nADD http://{server.Host}/other /\n";
        await BuildAsync(text);
        DateTime old = DateTime.UtcNow.AddDays(-9);
        foreach (string path in Directory.EnumerateFileSystemEntries(Files["state/git"])) File.SetLastWriteTimeUtc(path, old);
        await repository.CommitAsync(("file", "two"));
        await BuildAsync(text);

        await using (StateMaintenance state = StateMaintenance.Create(new BuilderOptions { StateDirectory = Files["state"] }))
        {
            UsageItem git = Assert.Single(await state.ListUsageAsync([UsageFilter.Parse("type=source.git.checkout", TimeSpan.Parse)]));
            Assert.True(git.Bytes > 0 && git.LastUsed > old.AddDays(8), git.ToString());
            Assert.Single(await state.ListUsageAsync([UsageFilter.Parse("kind=answer of a web server", TimeSpan.Parse)]));
            await state.PruneAsync(new PruneRequest(null, null, All: true));
            Assert.Empty(await state.ListUsageAsync());
        }

        Assert.Empty(Directory.GetDirectories(Files["state/git"]));
        await BuildAsync(text);
        Assert.Equal("two", File.ReadAllText(Out("file")));
    }

    [Fact]
    public async Task A_kept_git_directory_is_a_repository_and_the_same_each_time()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("file", "one"));
        await repository.GitAsync("tag", "-a", "v1", "-m", "first");
        string text = $"FROM scratch\nADD --keep-git-dir=true {repository.Url}#v1 /src/\n";

        await BuildAsync(text);
        BuildResult again = await BuildAsync(text, request => request with { Context = new DirectoryContext(Directory.CreateDirectory(Files["empty"]).FullName) });

        Assert.Equal("v1", (await HostProgram.MustAsync("git", "-C", Out("src"), "describe", "--tags")).Trim());
        Assert.Equal("", await HostProgram.MustAsync("git", "-C", Out("src"), "status", "--porcelain"));
        Assert.Equal(2, again.CachedVertices); // ADD and the scratch below it
    }

    [Fact]
    public async Task Submodules_are_checked_out_unless_they_are_not_wanted()
    {
        using var sub = await GitServer.StartAsync(Files["sub"]);
        await sub.CommitAsync(("inner", "from the submodule"));
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("file", "one"));
        await repository.GitAsync("submodule", "add", "-q", sub.Url, "vendor/sub");
        await repository.GitAsync("commit", "-qm", "submodule");

        await BuildAsync($"FROM scratch\nADD {repository.Url} /with/\nADD {repository.Url}?submodules=false /without/\n");

        Assert.Equal("from the submodule", File.ReadAllText(Out("with/vendor/sub/inner")));
        Assert.False(Path.Exists(Out("with/vendor/sub/.git")));
        Assert.False(Path.Exists(Out("without/vendor/sub/inner")));
    }

    [Fact]
    public async Task A_repository_of_sha256_objects_works_too()
    {
        using var repository = await GitServer.StartAsync(Files["served"], "sha256");
        await repository.CommitAsync(("file", "one"));
        string commit = (await repository.GitAsync("rev-parse", "HEAD")).Trim();

        await BuildAsync($"FROM scratch\nADD {repository.Url}#{commit} /\n");

        Assert.Equal("one", File.ReadAllText(Out("file")));
    }

    [Fact]
    public async Task A_token_for_git_goes_into_the_header_and_never_into_messages_or_the_stateFiles()
    {
        using var server = new ScriptedServer(_ => new ScriptedAnswer(401));
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(
            $"FROM scratch\nADD http://user:passw0rd@{server.Host}/x.git /\n",
            request => request with { Secrets = [new SecretSource("GIT_AUTH_TOKEN", WriteFile("token", "s3cret\n"), null)] }));

        string header = "basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("x-access-token:s3cret"));
        Assert.All(server.Requests, request => Assert.Equal(header, request.Authorization));
        Assert.NotEmpty(server.Requests);
        Assert.DoesNotContain("passw0rd", error.Message + error.Hint, StringComparison.Ordinal);
        ProgramResult found = await HostProgram.RunAsync("grep", ["-rlE", "passw0rd|s3cret", Files["state"]]);
        Assert.Equal(1, found.ExitCode);
    }

    [Theory]
    [InlineData("#nosuch", ErrorCode.GitFailed)]
    [InlineData("#main:nosuch", ErrorCode.FileNotFoundInContext)]
    [InlineData("#--upload-pack=touch", ErrorCode.InvalidArgument)]
    [InlineData("?checksum=0123456", ErrorCode.ChecksumMismatch)]
    [InlineData("#0123456789012345678901234567890123456789", ErrorCode.GitFailed)]
    public async Task What_the_repository_does_not_have_is_an_error_that_says_so(string suffix, ErrorCode code)
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("file", "one"));

        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync($"FROM scratch\nADD {repository.Url}{suffix} /\n"));

        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public async Task Without_git_the_error_names_the_package()
    {
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => BuildAsync("FROM scratch\nADD git://127.0.0.1:1/x.git /\n", environment: name => name == "PATH" ? "/nonexistent" : null));

        Assert.Equal(ErrorCode.ProgramMissing, error.Code);
        Assert.Contains("apt-get install git", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_epoch_is_the_time_of_the_contexts_commit()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("Dockerfile", "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY Dockerfile /$SOURCE_DATE_EPOCH\n"));
        await BuildAsync(null, request => request with
        {
            Context = new GitContext(repository.Url), BuildArgs = request.BuildArgs.Add("SOURCE_DATE_EPOCH", "context"),
        });

        Assert.True(File.Exists(Out("1600000000")));
    }

    [Fact]
    public async Task Named_contexts_come_from_git_and_http()
    {
        using var repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("lib/file", "from git"));
        string tar = await TarAsync(("packed", "from http"));
        using var server = new ScriptedServer(_ => new ScriptedAnswer(200, File.ReadAllBytes(tar)));
        await BuildAsync("FROM scratch\nCOPY --from=repo file /a\nCOPY --from=web packed /b\n", request => request with
        {
            NamedContexts = request.NamedContexts.Add("repo", new GitContext(repository.Url + "#:lib")).Add("web", new HttpContext($"http://{server.Host}/x")),
        });

        Assert.Equal(("from git", "from http"), (File.ReadAllText(Out("a")), File.ReadAllText(Out("b"))));
    }

    [Fact]
    public async Task An_image_of_a_layout_is_a_base_and_a_source()
    {
        string layout = Files["layout"];
        await BuildAsync("FROM scratch\nCOPY <<EOF /base\nfrom the base\nEOF\nENV WHERE=/there\n", request => request with
        {
            Outputs = [new OutputSpec { Type = OutputType.Oci, Destination = layout, Tar = false }],
        });
        await BuildAsync("FROM base AS x\nCOPY --from=base /base $WHERE\n", request => request with
        {
            NamedContexts = request.NamedContexts.Add("base", new OciLayoutContext(layout, null, null)),
        });

        Assert.Equal(("from the base\n", "from the base\n"), (File.ReadAllText(Out("base")), File.ReadAllText(Out("there"))));
    }
}
