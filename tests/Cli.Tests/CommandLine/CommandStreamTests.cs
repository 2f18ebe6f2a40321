using System.Globalization;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Cli.Tests.CommandLine;

public sealed class CommandStreamTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("", 0, "")]
    [InlineData("version", 0, "0")]
    [InlineData("help version|version", 0, "0 0")]
    [InlineData("frobnicate|version", 0, "2 0")]
    [InlineData("version|frobnicate", 2, "0 2")]
    public async Task One_command_after_the_other_and_after_each_its_exit_code(string commands, int last, string codes)
    {
        _host.Input = Bytes(commands.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(command => command.Split(' ')));
        Assert.Equal(last, await CommandStream.RunAsync("mark", _host.Host, CancellationToken.None));
        Assert.Equal(codes, Codes(_host.Output));
        Assert.Equal(codes, Codes(_host.Error));
        Assert.Equal(commands.Contains("frobnicate", StringComparison.Ordinal), _host.Error.Contains("frobnicate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Arguments_may_hold_anything_but_nul()
    {
        _host.Input = Bytes([["inspect", "line\nof\udce9 \"'", ""]]);
        Assert.Equal(2, await CommandStream.RunAsync("mark", _host.Host, CancellationToken.None));
        Assert.Contains("invalid image name 'line", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_mark_begins_a_line_whatever_the_command_has_printed()
    {
        string context = Directory.CreateDirectory(Path.Combine(_host.WorkingDirectory, "context")).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
        ProgramResult result = await HostProgram.RunAsync(
            "bash",
            ["-c", """printf '5\0build\0--progress=none\0-o\0type=tar\0%s\0' "$1" | "$0" commands mark | tail -n 1 | tr -d '\0'""", RepositoryFiles.Kimg, context],
            new Dictionary<string, string> { ["KIMG_STATE_DIR"] = Path.Combine(_host.WorkingDirectory, "state") }, _host.WorkingDirectory);
        Assert.Equal("mark 0\n", result.OutputOrThrow());
    }

    [Theory]
    [InlineData("frobnicate\0")]
    [InlineData("-1\0")]
    [InlineData("999999999\0")]
    public async Task What_is_no_command_is_said(string input)
    {
        _host.Input = PathText.Encode(input);
        Assert.Equal(2, await CommandStream.RunAsync("mark", _host.Host, CancellationToken.None));
        Assert.Contains("is no number of arguments", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_is_cut_off_is_not_run()
    {
        _host.Input = PathText.Encode("2\0version\0--deb");
        Assert.Equal(0, await CommandStream.RunAsync("mark", _host.Host, CancellationToken.None));
        Assert.Equal("", _host.Output);
    }

    [Fact]
    public async Task The_binary_takes_commands_until_its_stdin_ends()
    {
        ProgramResult result = await HostProgram.RunAsync("bash", ["-c", """printf '1\0version\0002\0inspect\0store://a\0' | "$0" commands mark""", RepositoryFiles.Kimg],
            new Dictionary<string, string> { ["KIMG_STATE_DIR"] = Path.Combine(_host.WorkingDirectory, "state") }, _host.WorkingDirectory);
        Assert.Equal(5, result.ExitCode);
        Assert.Equal("0 5", Codes(result.Output));
        Assert.Equal("0 5", Codes(result.Errors));
    }

    private static string Codes(string text) =>
        string.Join(' ', text.Split('\n').Where(line => line.StartsWith("mark ", StringComparison.Ordinal)).Select(line => line[5..]));

    private static byte[] Bytes(IEnumerable<string[]> commands) => PathText.Encode(string.Concat(
        commands.SelectMany(args => args.Prepend(args.Length.ToString(CultureInfo.InvariantCulture))).Select(text => text + '\0')));
}
