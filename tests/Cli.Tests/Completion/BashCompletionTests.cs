using System.Diagnostics;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Completion;
using Kimg.Cli.Tests.Surroundings;
using Xunit;

namespace Kimg.Cli.Tests.Completion;

/// <summary>The script in a real bash.</summary>
public sealed class BashCompletionTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("kimg pu", "push pull")]
    [InlineData("kimg reg", "registry")]
    [InlineData("kimg registry s", "serve")]
    [InlineData("kimg build --no-c", "--no-cache --no-cache-filter")]
    [InlineData("kimg build --progress p", "plain")]
    [InlineData("kimg build --progress = t", "tty")]
    [InlineData("kimg build --log-format js", "json")]
    [InlineData("kimg build -f Dock", "Dockerfile")]
    [InlineData("kimg build su", "sub")]
    [InlineData("kimg build --tag su", "")]
    [InlineData("kimg registry serve --read", "--read-only")]
    [InlineData("kimg completion z", "zsh")]
    public async Task Completes(string line, string expected)
    {
        _host.Write("Dockerfile", "");
        _host.Write("sub/file", "");
        string script = _host.Write("kimg.bash", CompletionScripts.Render("bash", [.. Catalog.All]));
        string[] words = line.Split(' ');
        string program = $"""
            source '{script}'
            COMP_WORDS=({string.Join(' ', words.Select(w => $"'{w}'"))}) COMP_CWORD={words.Length - 1}
            _kimg
            echo "${"{COMPREPLY[*]}"}"
            """;
        Assert.Equal(expected, (await RunAsync("bash", "-euc", program)).TrimEnd('\n'));
    }

    [Fact]
    public async Task Is_a_valid_script() =>
        Assert.Equal("", await RunAsync("bash", "-n", _host.Write("kimg.bash", CompletionScripts.Render("bash", [.. Catalog.All]))));

    [Theory]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Every_option_is_in_the_other_shells_scripts(string shell)
    {
        string script = CompletionScripts.Render(shell, [.. Catalog.All]);
        foreach (OptionRow row in Catalog.All.SelectMany(v => v.Options)) Assert.Contains(row.Name, script, StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _host.WorkingDirectory,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output + await error;
    }
}
