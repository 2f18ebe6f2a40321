using System.Diagnostics;
using System.Text;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary><c>kimg login</c> on a real terminal (script(1) makes it).</summary>
public sealed class LoginTests : IDisposable
{
    private readonly TempDirectory _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_password_that_is_typed_is_asked_for_stored_and_never_shown()
    {
        await using TestRegistry registry = TestRegistry.Start();
        using Process terminal = Start(registry.Host);
        var screen = new StringBuilder();
        await SeeAsync(terminal, screen, "Username for ");
        await TypeAsync(terminal, "me");
        await SeeAsync(terminal, screen, "Password: ");
        await TypeAsync(terminal, "geheim");
        await SeeAsync(terminal, screen, "logged in to ");
        await terminal.WaitForExitAsync();
        Assert.DoesNotContain("geheim", screen.ToString(), StringComparison.Ordinal);
        Assert.Contains(Convert.ToBase64String("me:geheim"u8), await File.ReadAllTextAsync(_home[".docker/config.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_at_the_password_it_ends_and_the_terminal_shows_again_what_is_typed()
    {
        await using TestRegistry registry = TestRegistry.Start();
        using Process terminal = Start(registry.Host, "; stty -a");
        var screen = new StringBuilder();
        await SeeAsync(terminal, screen, "Username for ");
        await TypeAsync(terminal, "me");
        await SeeAsync(terminal, screen, "Password: ");
        await terminal.StandardInput.WriteAsync("\u0003");
        await terminal.StandardInput.FlushAsync();
        await SeeAsync(terminal, screen, "KIMG8001");
        await SeeAsync(terminal, screen, "iexten echo");
    }

    // Who runs the tests in the background has them ignore Ctrl-C, and what they start inherits that.
    private Process Start(string registry, string then = "") => Process.Start(new ProcessStartInfo("env",
        ["--default-signal=INT", "script", "-qec", $"trap : INT; '{RepositoryFiles.Kimg}' login {registry}{then}", "/dev/null"])
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, Environment = { ["HOME"] = _home.Path, ["DOCKER_CONFIG"] = null },
    })!;

    private static async Task TypeAsync(Process terminal, string line)
    {
        await terminal.StandardInput.WriteAsync(line + "\n");
        await terminal.StandardInput.FlushAsync();
    }

    private static async Task SeeAsync(Process terminal, StringBuilder screen, string text)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        char[] buffer = new char[256];
        while (!screen.ToString().Contains(text, StringComparison.Ordinal))
        {
            int got = await terminal.StandardOutput.ReadAsync(buffer, limit.Token);
            Assert.True(got > 0, $"'{text}' does not come; there is: {screen}");
            screen.Append(buffer, 0, got);
        }
    }
}
