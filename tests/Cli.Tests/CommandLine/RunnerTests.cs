using Kimg.Cli.Tests.Surroundings;
using Xunit;

namespace Kimg.Cli.Tests.CommandLine;

public sealed class RunnerTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("--help")]
    [InlineData("help")]
    public async Task Without_a_verb_help_is_shown(string argv)
    {
        Assert.Equal(0, await _host.RunAsync(argv.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.StartsWith("kimg builds container images", _host.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("build --help", "Usage: kimg build ")]
    [InlineData("build -t x -h .", "Usage: kimg build ")]
    [InlineData("help registry serve", "Usage: kimg registry serve ")]
    [InlineData("help kimg3001", "# KIMG3001: a step failed")]
    [InlineData("version", "kimg ")]
    [InlineData("--version", "kimg ")]
    public async Task Help_and_version(string argv, string start)
    {
        Assert.Equal(0, await _host.RunAsync(argv.Split(' ')));
        Assert.StartsWith(start, _host.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("buidl .", "did you mean 'build'?")]
    [InlineData("registry", "kimg registry serve")]
    [InlineData("registry server", "unknown verb 'registry server'")]
    [InlineData("frobnicate", "verbs: build")]
    [InlineData("--push build", "stands before the verb")]
    [InlineData("help KIMG3011", "there is no error code 'KIMG3011'")]
    [InlineData("completion nushell", "bash, zsh, fish")]
    [InlineData("tag a", "NAME NEWNAME is missing")]
    public async Task Unknown_words_are_usage_errors(string argv, string message)
    {
        Assert.Equal(2, await _host.RunAsync(argv.Split(' ')));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_two_dashes_nothing_is_an_option()
    {
        Directory.CreateDirectory(Path.Combine(_host.WorkingDirectory, "--push"));
        Assert.Equal(0, await _host.RunAsync("build", "--no-cache", "--", "--push"));
        Assert.True(_host.Engine.Request!.NoCache);
    }

    [Fact]
    public async Task The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        _host.Write("config/kimg/config.json", """
            { "progress": "none", "no-cache": true, "registry-mirror": ["a.example", "quay.io=b.example"], "state-dir": "from-file" }
            """);
        Assert.Equal(0, await _host.RunAsync("build", "."));
        Assert.True(_host.Engine.Request!.NoCache);
        Assert.Equal([("docker.io", "a.example"), ("quay.io", "b.example")], _host.EngineOptions!.Mirrors.AsEnumerable());
        Assert.EndsWith("/from-file", _host.EngineOptions.StateDirectory, StringComparison.Ordinal);

        _host.Environment["KIMG_NO_CACHE"] = "false";
        _host.Environment["KIMG_REGISTRY_MIRROR"] = "c.example";
        Assert.Equal(0, await _host.RunAsync("build", "--state-dir=/s", "."));
        Assert.False(_host.Engine.Request.NoCache);
        Assert.Equal([("docker.io", "c.example")], _host.EngineOptions.Mirrors.AsEnumerable());
        Assert.Equal("/s", _host.EngineOptions.StateDirectory);
    }

    [Theory]
    [InlineData("""{ "progres": "tty" }""", "did you mean 'progress'?")]
    [InlineData("""{ "tag": "a" }""", "unknown key 'tag'")]
    [InlineData("""{ "no-cache": "yes" }""", "must be true or false")]
    [InlineData("""{ "progress": ["tty"] }""", "must be a string")]
    [InlineData("""{ "registry-mirror": [1] }""", "list of strings")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{ nonsense", "not JSON")]
    public async Task A_wrong_configuration_file_is_an_error(string json, string message)
    {
        _host.Environment["KIMG_CONFIG"] = _host.Write("c.json", json);
        Assert.Equal(2, await _host.RunAsync("build", "."));
        Assert.Contains("KIMG1011", _host.Error, StringComparison.Ordinal);
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_file_that_is_named_must_exist()
    {
        _host.Environment["KIMG_CONFIG"] = "/nonexistent/config.json";
        Assert.Equal(2, await _host.RunAsync("build", "."));
        Assert.Contains("KIMG1011", _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("KIMG_PROGRESS", "rawjson")]
    [InlineData("BUILDKIT_PROGRESS", "none")]
    public async Task Options_may_come_from_the_environment(string variable, string value)
    {
        _host.Environment[variable] = value;
        Assert.Equal(0, await _host.RunAsync("build", "."));
        _host.Environment[variable] = "bogus";
        Assert.Equal(2, await _host.RunAsync("build", "."));
        Assert.Contains("invalid value 'bogus' for --progress", _host.Error, StringComparison.Ordinal);
    }
}
