using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class InstallTests
{
    [Theory]
    [InlineData("bash", null)]
    [InlineData("dash", "1.2.3")]
    public async Task The_script_installs_what_it_has_checked(string shell, string? version)
    {
        byte[] binary = "#!/bin/sh\necho kimg\n"u8.ToArray();
        string path = version is null ? "/latest/download" : $"/download/v{version}";
        using ScriptedServer server = Server(path, binary, Digest.Sha256(binary).Hex);
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync(shell, server, directory, version);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.Equal("kimg\n", await HostProgram.MustAsync(directory["bin/kimg"]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory["tmp"]));
    }

    [Fact]
    public async Task What_was_tampered_with_is_not_installed()
    {
        using ScriptedServer server = Server("/latest/download", "evil"u8.ToArray(), new string('a', 64));
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync("sh", server, directory, null);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is not what was released", result.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory["bin"]));
    }

    /// <summary>curl | sh runs what has arrived: cut anywhere, the script must do nothing.</summary>
    [Fact]
    public async Task A_script_that_breaks_off_does_nothing()
    {
        string script = await File.ReadAllTextAsync(RepositoryFiles.Path("src/Action/install.sh"));
        using TempDirectory directory = new();
        for (int length = script.Length / 10; length < script.LastIndexOf("main", StringComparison.Ordinal); length += script.Length / 10)
        {
            await File.WriteAllTextAsync(directory["cut.sh"], script[..length]);
            Dictionary<string, string> environment = new() { ["KIMG_INSTALL"] = directory["bin"], ["KIMG_DOWNLOADS"] = "http://127.0.0.1:1" };
            await HostProgram.RunAsync("sh", [directory["cut.sh"]], environment);
            Assert.False(Directory.Exists(directory["bin"]), $"cut at {length}");
        }
    }

    private static Task<ProgramResult> InstallAsync(string shell, ScriptedServer server, TempDirectory directory, string? version)
    {
        Dictionary<string, string> environment = new()
        {
            ["KIMG_DOWNLOADS"] = $"http://{server.Host}", ["KIMG_INSTALL"] = directory["bin"], ["KIMG_VERSION"] = version ?? "",
            ["TMPDIR"] = Directory.CreateDirectory(directory["tmp"]).FullName,
        };
        return HostProgram.RunAsync(shell, [RepositoryFiles.Path("src/Action/install.sh")], environment);
    }

    private static ScriptedServer Server(string path, byte[] binary, string sum) => new(request =>
        request.Path == path + "/SHA256SUMS" ? new ScriptedAnswer(200, $"{sum}  kimg-linux-amd64\n")
        : request.Path == path + "/kimg-linux-amd64" ? new ScriptedAnswer(200, binary)
        : new ScriptedAnswer(404));
}
