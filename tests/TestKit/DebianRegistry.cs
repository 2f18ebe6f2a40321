using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Kimg.TestKit;

/// <summary>Debian's docker-registry on a free loopback port: a registry that is not ours.</summary>
public sealed partial class DebianRegistry : IDisposable
{
    private readonly TempDirectory _directory;
    private readonly Process _process;

    private DebianRegistry(TempDirectory directory, Process process, string host) => (_directory, _process, Host) = (directory, process, host);

    /// <summary><c>127.0.0.1:port</c></summary>
    public string Host { get; }

    public static async Task<DebianRegistry> StartAsync()
    {
        TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["config.yml"], $$"""
            version: 0.1
            log: {level: info}
            storage:
              filesystem:
                rootdirectory: {{directory["data"]}}
              delete:
                enabled: true
            http:
              addr: 127.0.0.1:0
            """);
        ProcessStartInfo start = new("docker-registry", ["serve", directory["config.yml"]]) { RedirectStandardError = true, RedirectStandardOutput = true };
        Process process = Process.Start(start) ?? throw new InvalidOperationException("docker-registry did not start");
        TaskCompletionSource<string> host = new();
        StringBuilder log = new();
        // Its log is long and must be read to the end, or the registry stops at a full pipe.
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            log.AppendLine(line.Data);
            if (line.Data is null)
                host.TrySetException(new InvalidOperationException($"docker-registry did not come up:\n{log}"));
            else if (Listening().Match(line.Data) is { Success: true } match)
                host.TrySetResult(match.Groups[1].Value);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new DebianRegistry(directory, process, await host.Task);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _directory.Dispose();
    }

    [GeneratedRegex(@"listening on (127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();
}
