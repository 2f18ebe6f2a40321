using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Cli.Tests.CommandLine;

public sealed class ContinuationTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("version", "", 0, "kimg ", "exit 0\n")]
    [InlineData("version", "help\0version", 0, "exit 0\nUsage: kimg version", "exit 0\n")]
    [InlineData("frobnicate", "version", 0, "exit 2\nkimg ", "exit 0\n")]
    [InlineData("frobnicate", "", 2, "exit 2\n", "exit 2\n")]
    [InlineData("version", "frobnicate", 2, "exit 0\n", "exit 2\n")]
    public async Task The_second_command_decides_when_there_is_one(string first, string second, int code, string text, string end)
    {
        using TestHost silent = new();
        _host.Input = PathText.Encode(second);
        Assert.Equal(code, await Continuation.RunAsync(first.Split(' '), silent.Host, _host.Host, CancellationToken.None));
        string output = silent.Output + _host.Output;
        Assert.Contains(text, output, StringComparison.Ordinal);
        Assert.EndsWith(end, output, StringComparison.Ordinal);
        Assert.Equal(second.Length > 0, _host.Error.EndsWith(end, StringComparison.Ordinal));
        Assert.Equal(second == "frobnicate", _host.Error.Contains("frobnicate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_binary_says_what_the_first_gave_and_is_then_the_second_with_its_messages()
    {
        ProgramResult result = await HostProgram.RunAsync(
            "bash", ["-c", """printf 'inspect\0--digest\0store://b c' | "$0" then inspect --digest store://a""", RepositoryFiles.Kimg],
            new Dictionary<string, string> { ["KIMG_STATE_DIR"] = Path.Combine(_host.WorkingDirectory, "state") }, _host.WorkingDirectory);
        Assert.StartsWith("exit ", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("exit 0", result.Output, StringComparison.Ordinal);
        Assert.Contains("b c", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("store://a", result.Errors, StringComparison.Ordinal);
    }
}
