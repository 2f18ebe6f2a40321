using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Kimg.TestKit;

/// <summary>Debian's docker-registry (distribution 2.8) on a free loopback port and a directory of its own: a registry that is not ours.</summary>
public sealed partial class DebianRegistry : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TaskCompletionSource<string> _host = new();
    private readonly StringBuilder _log = new();
    private Process? _process;

    private DebianRegistry()
    {
    }

    /// <summary><c>127.0.0.1:port</c></summary>
    public string Host => _host.Task.Result;

    public int Port => int.Parse(Host.AsSpan("127.0.0.1:".Length), CultureInfo.InvariantCulture);

    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <param name="htpasswd">Lines of bcrypt'ed users; then Basic authentication is asked for.</param>
    /// <param name="certificate">PEM files of a server certificate and its key; then it speaks https.</param>
    public static async Task<DebianRegistry> StartAsync(string? htpasswd = null, (string Certificate, string Key)? certificate = null)
    {
        DebianRegistry registry = new();
        await registry.WriteConfigAsync(htpasswd, certificate);
        ProcessStartInfo start = new("docker-registry", ["serve", registry._directory["config.yml"]]) { RedirectStandardError = true, RedirectStandardOutput = true };
        registry._process = Process.Start(start) ?? throw new InvalidOperationException("docker-registry did not start");
        // Its log is long and must be read to the end, or the registry stops at a full pipe.
        registry._process.OutputDataReceived += (_, line) => registry.Read(line.Data);
        registry._process.ErrorDataReceived += (_, line) => registry.Read(line.Data);
        registry._process.BeginOutputReadLine();
        registry._process.BeginErrorReadLine();
        registry._process.EnableRaisingEvents = true;
        registry._process.Exited += (_, _) => registry._host.TrySetException(new InvalidOperationException($"docker-registry did not come up:\n{registry.Log}"));
        await registry._host.Task;
        return registry;
    }

    /// <summary>Deletes every blob that no manifest with a tag leads to, as its operators do at night.</summary>
    public Task<ProgramResult> CollectAsync() => HostProgram.RunAsync("docker-registry", ["garbage-collect", "--delete-untagged", _directory["config.yml"]]);

    public string[] Blobs => [.. Directory.EnumerateFiles(_directory["data/docker/registry/v2/blobs"], "data", SearchOption.AllDirectories).Select(f => Path.GetFileName(Path.GetDirectoryName(f)!))];

    public void Dispose()
    {
        if (_process is { } process)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        _directory.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null) return;
        lock (_log) _log.AppendLine(line);
        if (Listening().Match(line) is { Success: true } match) _host.TrySetResult(match.Groups[1].Value);
    }

    private async Task WriteConfigAsync(string? htpasswd, (string Certificate, string Key)? certificate)
    {
        string config = $$"""
            version: 0.1
            log: { level: info }
            storage:
              filesystem: { rootdirectory: {{_directory["data"]}} }
              delete: { enabled: true }
            http:
              addr: 127.0.0.1:0

            """;
        if (certificate is { } pair) config += $"  tls: {{ certificate: {pair.Certificate}, key: {pair.Key} }}\n";
        if (htpasswd is not null)
        {
            await File.WriteAllTextAsync(_directory["htpasswd"], htpasswd);
            config += $"auth:\n  htpasswd: {{ realm: test, path: {_directory["htpasswd"]} }}\n";
        }

        await File.WriteAllTextAsync(_directory["config.yml"], config);
    }

    [GeneratedRegex(@"listening on (127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();
}
