using System.Net;
using System.Net.Sockets;

namespace Kimg.TestKit;

/// <summary>Debian's <c>docker-registry</c> (distribution 2.8) on a port and a directory of its own: a registry that is not ours.</summary>
public sealed class DockerRegistry : IDisposable
{
    private readonly TempDirectory _directory = new();
    private ServerProcess? _process;

    private DockerRegistry()
    {
    }

    public int Port { get; private set; }

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host => $"127.0.0.1:{Port}";

    public string Log => _process?.Output ?? "";

    /// <param name="htpasswd">Lines of bcrypt'ed users; then Basic authentication is asked for.</param>
    /// <param name="certificate">PEM files of a server certificate and its key; then it speaks https.</param>
    public static async Task<DockerRegistry> StartAsync(string? htpasswd = null, (string Certificate, string Key)? certificate = null)
    {
        var registry = new DockerRegistry();
        for (int attempt = 0; ; attempt++)
        {
            registry.Port = ServerProcess.FreePort();
            registry._process = new ServerProcess("docker-registry", "serve", registry.WriteConfig(htpasswd, certificate));
            if (await registry.IsListeningAsync()) return registry;
            string output = registry.Log;
            registry._process.Dispose();
            if (attempt == 3) throw new InvalidOperationException("docker-registry did not start:\n" + output);
        }
    }

    public void Dispose()
    {
        _process?.Dispose();
        _directory.Dispose();
    }

    private string WriteConfig(string? htpasswd, (string Certificate, string Key)? certificate)
    {
        string config = $"""
            version: 0.1
            log: {"{"} level: info {"}"}
            storage:
              filesystem: {"{"} rootdirectory: {_directory["data"]} {"}"}
              delete: {"{"} enabled: true {"}"}
            http:
              addr: {Host}

            """;
        if (certificate is { } pair) config += $"  tls: {{ certificate: {pair.Certificate}, key: {pair.Key} }}\n";
        if (htpasswd is not null)
        {
            File.WriteAllText(_directory["htpasswd"], htpasswd);
            config += $"auth:\n  htpasswd: {{ realm: test, path: {_directory["htpasswd"]} }}\n";
        }

        File.WriteAllText(_directory["config.yml"], config);
        return _directory["config.yml"];
    }

    private async Task<bool> IsListeningAsync()
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (!_process!.HasExited && DateTime.UtcNow < deadline)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return true;
            }
            catch (SocketException)
            {
                await Task.Delay(20);
            }
        }

        return false;
    }
}
