using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Repositories that are not for everybody: git's own http server behind a token, and OpenSSH's behind a key.</summary>
public sealed class GitTransportTests : RemoteBuilds
{
    private const string Token = "s3cret-t0ken";

    [Fact]
    public async Task A_private_repository_over_http_is_a_context_for_who_has_the_token()
    {
        using GitServer repository = await PrivateAsync();
        using var server = new GitHttpServer(repository.Root, Token);
        await BuildAsync(null, request => WithToken(request) with { Context = new GitContext(server.Url + "?ref=v1&subdir=app") });

        Assert.Equal("one", File.ReadAllText(Out("file")));
        Assert.False(Path.Exists(Out(".git")));
        Assert.All(server.Requests, request => Assert.Equal("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("x-access-token:" + Token)), request.Authorization));
        await NothingHoldsTheTokenAsync();
    }

    [Theory]
    [InlineData("GIT_AUTH_TOKEN.127.0.0.1", Token)]
    [InlineData("GIT_AUTH_HEADER", "basic eC1hY2Nlc3MtdG9rZW46czNjcmV0LXQwa2Vu")]
    public async Task Tokens_may_be_for_a_host_and_headers_may_be_given_whole(string secret, string value)
    {
        using GitServer repository = await PrivateAsync();
        using var server = new GitHttpServer(repository.Root, Token);
        await BuildAsync($"FROM scratch\nADD {server.Url}#v1:app /\n", request => request with { Secrets = [new SecretSource(secret, WriteFile("token", value), null)] });

        Assert.Equal("one", File.ReadAllText(Out("file")));
    }

    [Fact]
    public async Task Without_the_token_the_error_says_how_to_give_it()
    {
        using GitServer repository = await PrivateAsync();
        using var server = new GitHttpServer(repository.Root, Token);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync($"FROM scratch\nADD {server.Url} /\n"));

        Assert.Equal(ErrorCode.GitFailed, error.Code);
        Assert.Contains("--secret id=GIT_AUTH_TOKEN", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_submodule_beside_its_repository_is_fetched_with_a_token_for_the_host_but_not_with_one_for_the_repository()
    {
        using GitServer repository = await PrivateAsync();
        await HostProgram.MustAsync("git", "init", "-q", "-b", "main", Path.Combine(repository.Root, "sub.git"));
        string sub = Path.Combine(repository.Root, "sub.git");
        await File.WriteAllTextAsync(Path.Combine(sub, "inner"), "from the submodule");
        await HostProgram.MustAsync("git", "-C", sub, "add", "-A");
        await HostProgram.MustAsync("git", "-C", sub, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "one");
        string commit = (await HostProgram.MustAsync("git", "-C", sub, "rev-parse", "HEAD")).Trim();
        await File.WriteAllTextAsync(Path.Combine(repository.Repository, ".gitmodules"), "[submodule \"sub\"]\n\tpath = vendor/sub\n\turl = ../sub.git\n");
        await repository.GitAsync("update-index", "--add", "--cacheinfo", $"160000,{commit},vendor/sub");
        await repository.GitAsync("add", ".gitmodules");
        await repository.GitAsync("commit", "-qm", "submodule");
        using var server = new GitHttpServer(repository.Root, Token);
        BuildRequest With(BuildRequest request, string id) => request with { Secrets = [new SecretSource(id, WriteFile("token", Token), null)] };
        await BuildAsync($"FROM scratch\nADD {server.Url}#main /\n", request => With(request, "GIT_AUTH_TOKEN.127.0.0.1"));

        Assert.Equal("from the submodule", File.ReadAllText(Out("vendor/sub/inner")));
        Assert.False(Path.Exists(Out("vendor/sub/.git")));
        await Assert.ThrowsAsync<KimgException>(() => BuildAsync($"FROM scratch\nADD {server.Url}#main /again/\n", request => With(request, "GIT_AUTH_TOKEN")));
    }

    [Theory]
    [InlineData("1", "", true)]
    [InlineData("false", "", false)]
    [InlineData("1", "?keep-git-dir=false", false)]
    [InlineData(null, "?keep-git-dir=true", true)]
    public async Task The_git_directory_of_a_context_is_kept_when_asked_for(string? argument, string query, bool kept)
    {
        using GitServer repository = await PrivateAsync();
        await repository.CommitAsync(("Dockerfile", "FROM scratch\nCOPY . /\n"));
        await BuildAsync(null, request => request with
        {
            Context = new GitContext(repository.Url + query),
            BuildArgs = argument is null ? request.BuildArgs : request.BuildArgs.Add("BUILDKIT_CONTEXT_KEEP_GIT_DIR", argument),
        });

        Assert.Equal(kept, Directory.Exists(Out(".git")));
        if (kept) Assert.Equal("", await HostProgram.MustAsync("git", "-C", Files["out"], "status", "--porcelain"));
    }

    [Fact]
    public async Task A_repository_over_ssh_is_fetched_with_the_users_agent()
    {
        using GitServer repository = await PrivateAsync();
        using SshServer server = await SshServer.StartAsync(Files["ssh"]);
        Func<BuildRequest, BuildRequest> withAgent = request => request with { Ssh = [new SshSource("default", [server.AgentSocket])] };
        await BuildAsync($"FROM scratch\nADD {server.Url(repository.Repository)}#v1:app /added/\n", withAgent);
        Assert.Equal("one", File.ReadAllText(Out("added/file")));

        await BuildAsync(null, request => withAgent(request) with { Context = new GitContext(server.Url(repository.Repository) + "?ref=v1&subdir=app") });
        Assert.Equal("one", File.ReadAllText(Out("file")));
    }

    [Fact]
    public async Task A_key_given_as_a_file_is_lent_to_an_agent_that_ends_with_the_build()
    {
        using GitServer repository = await PrivateAsync();
        using SshServer server = await SshServer.StartAsync(Files["ssh"]);
        await BuildAsync($"FROM scratch\nADD {server.Url(repository.Repository)}#v1:app /\n", request => request with { Ssh = [new SshSource("default", [server.Key])] });

        Assert.Equal("one", File.ReadAllText(Out("file")));
        ProgramResult left = await HostProgram.RunAsync("pgrep", ["-f", "ssh-agent -a " + Files["state"]]);
        Assert.Equal(1, left.ExitCode);
    }

    [Fact]
    public async Task A_file_that_is_no_key_and_a_key_with_a_passphrase_are_refused()
    {
        using GitServer repository = await PrivateAsync();
        await HostProgram.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "passphrase", "-f", Files["locked"]);
        string plain = WriteFile("plain", "no key\n");
        await HostProgram.MustAsync("chmod", "400", plain);
        foreach (string file in (string[])[plain, Files["locked"]])
        {
            KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(
                $"FROM scratch\nADD ssh://nobody@127.0.0.1:1{repository.Repository} /\n", request => request with { Ssh = [new SshSource("default", [file])] }));
            Assert.Equal(ErrorCode.InvalidSecret, error.Code);
            Assert.Contains("passphrase", error.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_an_agent_the_error_says_how_to_give_one_and_a_changed_host_key_is_refused()
    {
        using GitServer repository = await PrivateAsync();
        using SshServer server = await SshServer.StartAsync(Files["ssh"]);
        string text = $"FROM scratch\nADD {server.Url(repository.Repository)} /\n";
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(text));
        Assert.Equal(ErrorCode.GitFailed, error.Code);
        Assert.Contains("--ssh default", error.Hint, StringComparison.Ordinal);

        await server.ReplaceHostKeyAsync();
        error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(text, request => request with { Ssh = [new SshSource("default", [server.AgentSocket])] }));
        Assert.Contains("host key", error.Hint, StringComparison.Ordinal);
    }

    private BuildRequest WithToken(BuildRequest request) => request with { Secrets = [new SecretSource("GIT_AUTH_TOKEN", WriteFile("token", Token + "\n"), null)] };

    private async Task<GitServer> PrivateAsync()
    {
        GitServer repository = await GitServer.StartAsync(Files["served"]);
        await repository.CommitAsync(("app/Dockerfile", "FROM scratch\nCOPY . /\n"), ("app/file", "one"));
        await repository.GitAsync("tag", "v1");
        await repository.CommitAsync(("app/file", "two"));
        return repository;
    }

    private async Task NothingHoldsTheTokenAsync()
    {
        ProgramResult found = await HostProgram.RunAsync("grep", ["-rlE", Token, Files["state"], Files["out"], Files["image"]]);
        Assert.Equal(1, found.ExitCode);
    }
}
