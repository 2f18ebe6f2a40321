using System.Diagnostics;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Build;

/// <summary>A repository with one branch, main, served by <c>git daemon</c> on loopback. Commits are dated 1600000000.</summary>
internal sealed class GitServer : IDisposable
{
    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["GIT_CONFIG_GLOBAL"] = "/dev/null", ["GIT_CONFIG_NOSYSTEM"] = "1",
        ["GIT_AUTHOR_NAME"] = "a", ["GIT_AUTHOR_EMAIL"] = "a@example.com", ["GIT_COMMITTER_NAME"] = "a", ["GIT_COMMITTER_EMAIL"] = "a@example.com",
        ["GIT_AUTHOR_DATE"] = "1600000000 +0000", ["GIT_COMMITTER_DATE"] = "1600000000 +0000",
    };

    private readonly string _root;
    private readonly Process _daemon;
    private readonly int _port;

    private GitServer(string root, Process daemon, int port) => (_root, _daemon, _port) = (root, daemon, port);

    /// <summary>The directory that is served, with the repository in it.</summary>
    public string Root => _root;

    public string Url => $"git://127.0.0.1:{_port}/repo.git";

    /// <summary>Its work tree on this machine.</summary>
    public string Repository => Path.Combine(_root, "repo.git");

    public static async Task<GitServer> StartAsync(string root, string format = "sha1")
    {
        Directory.CreateDirectory(root);
        int port = ServerProcess.FreePort();
        var start = new ProcessStartInfo("git", ["daemon", "--verbose", "--reuseaddr", "--listen=127.0.0.1", $"--port={port}", "--export-all", $"--base-path={root}", root])
        {
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in s_environment) start.Environment[name] = value;
        var daemon = new Process { StartInfo = start };
        var ready = new TaskCompletionSource();
        daemon.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) ready.TrySetException(new InvalidOperationException("git daemon did not start"));
            else if (line.Data.Contains("Ready to rumble", StringComparison.Ordinal)) ready.TrySetResult();
        };
        daemon.Start();
        daemon.BeginErrorReadLine();
        var server = new GitServer(root, daemon, port);
        await HostProgram.MustAsync("git", "init", "-q", "-b", "main", "--object-format=" + format, server.Repository);
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return server;
    }

    public async Task CommitAsync(params (string Path, string Text)[] files)
    {
        foreach ((string path, string text) in files)
        {
            string file = Path.Combine(Repository, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        await GitAsync("add", "-A");
        await GitAsync("commit", "-qm", "change");
    }

    public async Task<string> GitAsync(params string[] arguments) =>
        (await HostProgram.RunAsync("git", ["-C", Repository, .. arguments], s_environment)).OutputOrThrow();

    public void Dispose()
    {
        if (_daemon.HasExited) return;
        _daemon.Kill(entireProcessTree: true);
        _daemon.WaitForExit();
    }
}
