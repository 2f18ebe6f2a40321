using System.Text;
using Kimg.Cli.Kaniko;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Kaniko;

public sealed class KimiaTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("https://git.example/org/repo", "https://git.example/org/repo.git")]
    [InlineData("https://git.example/org/repo/", "https://git.example/org/repo.git")]
    [InlineData("https://git.example/org/repo.git#main:sub/dir", "https://git.example/org/repo.git?ref=main&subdir=sub%2Fdir")]
    [InlineData("https://git.example/org/repo.git#:sub", "https://git.example/org/repo.git?subdir=sub")]
    [InlineData("https://git.example/org/repo.git?branch=main", "https://git.example/org/repo.git?branch=main")]
    [InlineData("https://git.example/org/repo#v1 --git-branch=main", "https://git.example/org/repo.git?ref=main")]
    [InlineData("git://git.example/org/repo", "git://git.example/org/repo.git")]
    [InlineData("git://github.com/org/repo", "https://github.com/org/repo.git")]
    [InlineData("git@gitlab.com:org/repo.git", "https://gitlab.com/org/repo.git")]
    [InlineData("git@git.example:org/repo.git", "git@git.example:org/repo.git")]
    [InlineData("http://git.example/org/repo.git", "http://git.example/org/repo.git")]
    public async Task Addresses_are_repositories(string line, string url)
    {
        await Run(["--context", .. line.Split(' ')]);
        Assert.Equal(new GitContext(url), _host.Engine.Request!.Context);
        Assert.Empty(_host.Engine.Request.Secrets);
    }

    [Theory]
    [InlineData("https://${GITHUB_TOKEN}@git.example:8443/org/repo", "s3cret:")]
    [InlineData("https://oauth2:$GITHUB_TOKEN@git.example:8443/org/repo.git", "oauth2:s3cret")]
    [InlineData("https://a%40b:p%2Fq@git.example:8443/org/repo.git", "a@b:p/q")]
    public async Task Variables_in_them_stand_for_their_values_and_a_login_leaves_the_address(string context, string login)
    {
        _host.Environment["GITHUB_TOKEN"] = "s3cret";
        await Run("--context=" + context);
        Assert.Equal(new GitContext("https://git.example:8443/org/repo.git"), _host.Engine.Request!.Context);
        SecretSource secret = Assert.Single(_host.Engine.Request.Secrets);
        Assert.Equal("GIT_AUTH_HEADER.git.example:8443", secret.Id);
        Assert.Equal("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(login)), _host.EngineOptions!.Variables[secret.Variable!]);
        Assert.DoesNotContain("s3cret", _host.Engine.Request + _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_variable_that_is_not_set_is_named()
    {
        Assert.Equal(2, await _host.RunAsync(Line("--context=https://${GITHUB_TOKEN}@git.example/org/repo")));
        Assert.Contains("the variable GITHUB_TOKEN is not set", _host.Error, StringComparison.Ordinal);
        Assert.Null(_host.Engine.Request);
    }

    [Fact]
    public async Task Ssh_is_kept_when_it_is_preferred()
    {
        _host.Environment["KIMIA_PREFER_SSH"] = "true";
        await Run("--context=git@github.com:org/repo.git");
        Assert.Equal(new GitContext("git@github.com:org/repo.git"), _host.Engine.Request!.Context);
    }

    [Fact]
    public async Task Directories_are_contexts_and_variables_of_kaniko_are_not_looked_at()
    {
        _host.Write("app/Dockerfile", "FROM scratch\n");
        (_host.Environment["KANIKO_NO_PUSH"], _host.Environment["GIT_TOKEN"]) = ("true", "t");
        await Run("--context=app");
        Assert.IsType<DirectoryContext>(_host.Engine.Request!.Context);
        Assert.True(Assert.Single(_host.Engine.Request.Outputs).Push);
        await Run("--context=https://git.example/org/repo");
        Assert.Empty(_host.Engine.Request.Secrets);
    }

    [Theory]
    [InlineData("")]
    [InlineData("help")]
    [InlineData("-help")]
    [InlineData("-h")]
    [InlineData("--help")]
    public async Task Without_arguments_and_on_request_it_prints_help(string line)
    {
        Assert.Equal(0, await _host.RunAsync(KanikoCommandLine.Translate("kimia", line.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        Assert.Contains("--git-token-file", _host.Output, StringComparison.Ordinal);
    }

    private static string[] Line(params string[] argv) => KanikoCommandLine.Translate("/usr/local/bin/kimia", ["--destination=r.example/a", .. argv]);

    private async Task Run(params string[] argv)
    {
        int code = await _host.RunAsync(Line(argv));
        Assert.True(code == 0, _host.Error);
    }
}
