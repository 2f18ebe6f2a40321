using System.Text.Json;
using Kimg.Cli.Errors;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Errors;

public sealed class ErrorRendererTests
{
    private const string Data = "tests/Cli.Tests/testdata/errors/";

    private static readonly DateTimeOffset s_at = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private static readonly SourceText s_text = new("FROM scratch\n\nENV A=1\nRUNN \\\n  echo \u001b[31m\"hi\"\nCOPY a /a\nCOPY b /b\nCOPY c /c\n");

    private static KimgException Error => new(ErrorCode.UnknownInstruction, "unknown instruction 'RUNN'")
    {
        Hint = "did you mean 'RUN'?",
        Span = new SourceSpan("app/Dockerfile", 4, 1, 5, 12) { Source = s_text },
    };

    [Theory]
    [InlineData("Text", false, "unknown-instruction.txt")]
    [InlineData("Text", true, "unknown-instruction-colours.txt")]
    [InlineData("Logfmt", false, "unknown-instruction.logfmt")]
    [InlineData("Json", false, "unknown-instruction.json")]
    public void A_Dockerfile_error(string format, bool colours, string golden) =>
        Golden.Matches(Data + golden, new ErrorRenderer(Enum.Parse<LogFormat>(format), colours, debug: false).Render(Error, s_at));

    [Fact]
    public void Json_is_one_line_and_says_where()
    {
        string text = new ErrorRenderer(LogFormat.Json, colours: false, debug: false).Render(Error, s_at);
        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.Equal(4, document.RootElement.GetProperty("line").GetInt32());
        Assert.Equal(3, document.RootElement.GetProperty("exitCode").GetInt32());
        Assert.Equal("KIMG2003", document.RootElement.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData(1, 1, " 1 | >>> FROM")]
    [InlineData(8, 8, " 8 | >>> COPY c")]
    [InlineData(8, 99, " 8 | >>> COPY c")]
    public void An_excerpt_at_the_edges_of_the_file(int start, int end, string line) =>
        Assert.Contains(line, Excerpt.Render(new SourceSpan("Dockerfile", start, 1, end, 1) { Source = s_text }), StringComparison.Ordinal);

    [Fact]
    public void A_place_outside_the_text_has_no_excerpt() =>
        Assert.Equal("", Excerpt.Render(new SourceSpan("Dockerfile", 42, 1, 42, 1) { Source = s_text }));

    [Fact]
    public async Task A_bug_shows_no_stack_trace_unless_asked()
    {
        using var host = new TestHost();
        host.Engine.Failure = new InvalidOperationException("first\nsecond");
        Assert.Equal(1, await host.RunAsync("build", "."));
        Assert.Contains("ERROR KIMG9001: internal error: InvalidOperationException: first second", host.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", host.Error, StringComparison.Ordinal);
        Assert.Contains("--debug", host.Error, StringComparison.Ordinal);
        await host.RunAsync("build", "--debug", ".");
        Assert.Contains("System.InvalidOperationException: first", host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ErrorCode.InvalidArgument, 2)]
    [InlineData(ErrorCode.DockerfileSyntax, 3)]
    [InlineData(ErrorCode.StepFailed, 4)]
    [InlineData(ErrorCode.RegistryUnreachable, 5)]
    [InlineData(ErrorCode.NoSandbox, 6)]
    [InlineData(ErrorCode.VerificationFailed, 7)]
    [InlineData(ErrorCode.DiskFull, 8)]
    public async Task The_exit_code_is_that_of_the_error(ErrorCode code, int exit)
    {
        using var host = new TestHost();
        host.Engine.Failure = new KimgException(code, "no");
        Assert.Equal(exit, await host.RunAsync("build", "."));
        Assert.Contains($"ERROR {code.Name()}: no\n  more: kimg help {code.Name()}\n", host.Error, StringComparison.Ordinal);
        Assert.Contains("disposed", host.Engine.Calls);
    }

    [Fact]
    public async Task A_canceled_build_exits_with_130()
    {
        using var host = new TestHost();
        host.Engine.Failure = new OperationCanceledException();
        Assert.Equal(130, await host.RunAsync("build", "."));
        Assert.Equal("ERROR KIMG8001: interrupted\n", host.Error);
    }

    [Theory]
    [InlineData("--log-format", "json")]
    [InlineData("--log-format=json")]
    public async Task Errors_of_the_command_line_itself_are_json_too(params string[] format)
    {
        using var host = new TestHost();
        Assert.Equal(2, await host.RunAsync(["build", .. format, "--bogus", "."]));
        using JsonDocument document = JsonDocument.Parse(host.Error);
        Assert.Equal("KIMG1001", document.RootElement.GetProperty("code").GetString());
    }
}
