using System.Text;
using Kimg.Cli.Kaniko;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Kaniko;

public sealed class KanikoVariablesTests : IDisposable
{
    private readonly TestHost _host = new();

    public KanikoVariablesTests() => _host.Write("app/Dockerfile", "FROM scratch\n");

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("true", "--destination=r.example/a", false)]
    [InlineData("1", "--destination=r.example/a", false)]
    [InlineData("0", "--no-push", true)]
    [InlineData("", "--destination=r.example/a", true)]
    [InlineData("", "--no-push", false)]
    public async Task Not_to_push_is_a_variable_that_goes_before_the_flag(string value, string flag, bool push)
    {
        _host.Environment["KANIKO_NO_PUSH"] = value;
        await Run("--destination=r.example/a", flag);
        Assert.Equal(push, Assert.Single(_host.Engine.Request!.Outputs).Push);
    }

    [Fact]
    public async Task Mirrors_are_added_to_those_of_the_flags()
    {
        (_host.Environment["KANIKO_REGISTRY_MIRROR"], _host.Environment["KANIKO_REGISTRY_MAP"]) = ("m2.example", "quay.io=q.example;ghcr.io=g.example");
        await Run("--no-push", "--registry-mirror=m1.example", "--registry-map=r.example=s.example");
        Assert.Equal(
            [("docker.io", "m1.example"), ("docker.io", "m2.example"), ("r.example", "s.example"), ("quay.io", "q.example"), ("ghcr.io", "g.example")],
            _host.EngineOptions!.Mirrors.ToArray());
    }

    [Fact]
    public async Task The_directory_is_the_variables_when_there_is_no_flag()
    {
        _host.Environment["KANIKO_DIR"] = "/kept";
        await Run("--no-push");
        Assert.Equal("/kept/kimg", _host.EngineOptions!.StateDirectory);
        await Run("--no-push", "--kaniko-dir=/other");
        Assert.Equal("/other/kimg", _host.EngineOptions.StateDirectory);
    }

    [Theory]
    [InlineData("KANIKO_NO_PUSH", "maybe", "invalid value 'maybe' for KANIKO_NO_PUSH")]
    [InlineData("KANIKO_REGISTRY_MAP", "quay.io", "invalid value 'quay.io' for KANIKO_REGISTRY_MAP")]
    public async Task What_they_cannot_mean_is_an_error_that_names_them(string variable, string value, string message)
    {
        _host.Environment[variable] = value;
        Assert.Equal(2, await _host.RunAsync("kaniko", "-c", "app", "-d", "r.example/a"));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
        Assert.Null(_host.Engine.Request);
    }

    [Theory]
    [InlineData("u", "p", null, "u:p")]
    [InlineData(null, "p", null, ":p")]
    [InlineData("u", null, null, "u:")]
    [InlineData("u", "p", "t", "t:")]
    public async Task Logins_for_git_are_sent_as_kaniko_sends_them(string? user, string? password, string? token, string sent)
    {
        foreach ((string name, string? value) in new[] { ("GIT_USERNAME", user), ("GIT_PASSWORD", password), ("GIT_TOKEN", token) })
            if (value is not null) _host.Environment[name] = value;
        Assert.Equal(0, await _host.RunAsync("kaniko", "--no-push", "-c", "git://git.example/app"));
        SecretSource secret = Assert.Single(_host.Engine.Request!.Secrets);
        Assert.Equal("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(sent)), _host.EngineOptions!.Variables[secret.Variable!]);
    }

    [Fact]
    public async Task A_directory_of_the_scheme_may_be_meant_from_the_root()
    {
        string name = Path.GetRelativePath("/", Path.Combine(_host.WorkingDirectory, "app"));
        Assert.Equal(0, await _host.RunAsync("kaniko", "--no-push", "-c", "dir://" + name));
        Assert.Equal(new DirectoryContext("/" + name), _host.Engine.Request!.Context);
    }

    private async Task Run(params string[] argv)
    {
        int code = await _host.RunAsync(KanikoCommandLine.Translate("executor", ["-c", "app", .. argv]));
        Assert.True(code == 0, _host.Error);
    }
}
