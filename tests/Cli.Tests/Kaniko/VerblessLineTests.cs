using Kimg.Cli.Kaniko;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Kaniko;

/// <summary>What pods give an image whose ENTRYPOINT is kimg.</summary>
public sealed class VerblessLineTests : IDisposable
{
    private readonly TestHost _host = new();

    public VerblessLineTests() => _host.Write("app/Dockerfile", "FROM scratch\n");

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("--context=app --destination=r.example/a")]
    [InlineData("-c app -d r.example/a")]
    [InlineData("-capp -dr.example/a")]
    [InlineData("--dockerfile=app/Dockerfile --destination=r.example/a --context=dir://app")]
    [InlineData("-v debug -c app -d r.example/a")]
    [InlineData("--log-format=text --context=app --destination=r.example/a")]
    [InlineData("--log-format json --context=app --destination=r.example/a")]
    [InlineData("--label a=b --context=app --destination=r.example/a")]
    public async Task Flags_of_kaniko_without_a_verb_are_kanikos(string line)
    {
        int code = await _host.RunAsync(KanikoCommandLine.Translate("/kimg", line.Split(' ')));
        Assert.True(code == 0, _host.Error);
        Assert.Equal(new DirectoryContext(Path.Combine(_host.WorkingDirectory, "app")), _host.Engine.Request!.Context);
        Assert.Equal("r.example/a:latest", Assert.Single(_host.Engine.Request.Names).ToString());
    }

    [Theory]
    [InlineData("--context=https://git.example/team/app --destination=r.example/a")]
    [InlineData("-c https://git.example/team/app -d r.example/a")]
    [InlineData("--context=https://git.example/team/app.git --destination=r.example/a --storage-driver=native")]
    public async Task Those_of_kimia_are_kimias(string line)
    {
        int code = await _host.RunAsync(KanikoCommandLine.Translate("kimg", line.Split(' ')));
        Assert.True(code == 0, _host.Error);
        Assert.Equal(new GitContext("https://git.example/team/app.git"), _host.Engine.Request!.Context);
    }

    [Theory]
    [InlineData("https://files.example/app.tar.gz")]
    [InlineData("https://files.example/app?signature=a")]
    public async Task An_archive_stays_one(string context)
    {
        Assert.Equal(0, await _host.RunAsync(KanikoCommandLine.Translate("kimg", ["--context=" + context, "--destination=r.example/a"])));
        Assert.Equal(new HttpContext(context), _host.Engine.Request!.Context);
    }

    /// <summary>kimg's own lines, and mistakes in them.</summary>
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--version")]
    [InlineData("-v")]
    [InlineData("--debug build .")]
    [InlineData("--log-format json build --target=a .")]
    [InlineData("-t app .")]
    [InlineData("--target a --label a=b .")]
    [InlineData("--push .")]
    [InlineData("build --context=app")]
    [InlineData("")]
    public void Other_lines_stay_as_they_are(string line)
    {
        string[] argv = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(argv, KanikoCommandLine.Translate("kimg", argv));
    }
}
