using System.Diagnostics;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Build;

/// <summary>OpenSSH's <c>sshd</c> on loopback, which lets this user in with one key, and an <c>ssh-agent</c> that holds that key.</summary>
internal sealed class SshServer : IDisposable
{
    private readonly string _directory;
    private readonly int _port;
    private readonly Process _agent;
    private ServerProcess _daemon;

    private SshServer(string directory, int port, ServerProcess daemon, Process agent) => (_directory, _port, _daemon, _agent) = (directory, port, daemon, agent);

    public string AgentSocket => Path.Combine(_directory, "agent");

    /// <summary>A file with the private key the server takes.</summary>
    public string Key => Path.Combine(_directory, "user");

    /// <summary>The address of an absolute path on this machine.</summary>
    public string Url(string path) => $"ssh://{Environment.UserName}@127.0.0.1:{_port}{path}";

    public static async Task<SshServer> StartAsync(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (string key in (string[])["user", "host"])
            await HostProgram.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", Path.Combine(directory, key));
        int port = ServerProcess.FreePort();
        ServerProcess daemon = await StartDaemonAsync(directory, port);
        var start = new ProcessStartInfo("ssh-agent", ["-D", "-a", Path.Combine(directory, "agent")]) { RedirectStandardOutput = true };
        Process agent = Process.Start(start)!;
        await agent.StandardOutput.ReadLineAsync();
        var server = new SshServer(directory, port, daemon, agent);
        (await HostProgram.RunAsync("ssh-add", ["-q", server.Key], new Dictionary<string, string> { ["SSH_AUTH_SOCK"] = server.AgentSocket })).OutputOrThrow();
        return server;
    }

    /// <summary>Starts again as another machine: with a new host key.</summary>
    public async Task ReplaceHostKeyAsync()
    {
        _daemon.Dispose();
        string key = Path.Combine(_directory, "host");
        File.Delete(key);
        await HostProgram.MustAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
        _daemon = await StartDaemonAsync(_directory, _port);
    }

    public void Dispose()
    {
        _daemon.Dispose();
        if (!_agent.HasExited) _agent.Kill();
        _agent.Dispose();
    }

    private static async Task<ServerProcess> StartDaemonAsync(string directory, int port)
    {
        // Started by root, sshd wants this directory, which Debian makes when its service starts.
        if (Environment.UserName == "root") Directory.CreateDirectory("/run/sshd");
        await File.WriteAllTextAsync(Path.Combine(directory, "config"), $"""
            ListenAddress 127.0.0.1
            Port {port}
            HostKey {directory}/host
            PidFile none
            AuthorizedKeysFile {directory}/user.pub
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            LogLevel INFO
            """);
        var daemon = new ServerProcess("/usr/sbin/sshd", "-D", "-e", "-f", Path.Combine(directory, "config"));
        await daemon.SaysAsync("listening on");
        return daemon;
    }
}
