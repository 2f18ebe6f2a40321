using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>An <c>ssh-agent</c> of the build's own that holds the keys given as files: steps and git never see the files. It ends with the build, also
/// with one that is killed: it watches a program whose input closes then.</summary>
internal sealed class KeyAgent : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Process _watched;
    private readonly int _agent;

    private KeyAgent(string socket, Process watched, int agent) => (Socket, _watched, _agent) = (socket, watched, agent);

    public string Socket { get; }

    /// <param name="socket">Path of the socket it makes.</param>
    /// <param name="option">What the user wrote, for messages.</param>
    /// <exception cref="KimgException">ProgramMissing; InvalidSecret: a key that ssh-add does not take.</exception>
    public static KeyAgent Start(string socket, ImmutableArray<string> keys, string option, Func<string, string?> environment)
    {
        Process watched = Run("ssh-agent", ["-a", socket, "sh", "-c", "echo $SSH_AGENT_PID; exec cat"], [], environment);
        var agent = new KeyAgent(socket, watched, ReadPid(watched, option));
        try
        {
            agent.Add(keys, option, environment);
            return agent;
        }
        catch (KimgException)
        {
            agent.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        try
        {
            using Process agent = Process.GetProcessById(_agent);
            agent.Kill();
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended by itself, which is what was wanted.
        }

        _watched.StandardInput.Close();
        if (!_watched.WaitForExit(s_patience)) _watched.Kill();
        _watched.Dispose();
    }

    private static int ReadPid(Process watched, string option)
    {
        Task<string?> line = watched.StandardOutput.ReadLineAsync();
        if (line.Wait(s_patience) && int.TryParse(line.Result, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) return pid;
        if (!watched.HasExited) watched.Kill(entireProcessTree: true);
        throw new KimgException(ErrorCode.InvalidSecret, $"--ssh {option}: ssh-agent does not start")
        {
            Hint = "start an agent yourself, add the key with ssh-add, and build with --ssh default",
        };
    }

    private void Add(ImmutableArray<string> keys, string option, Func<string, string?> environment)
    {
        // Nobody is asked for a passphrase in the middle of a build.
        (string, string)[] settings = [("SSH_AUTH_SOCK", Socket), ("SSH_ASKPASS", "/bin/false"), ("SSH_ASKPASS_REQUIRE", "force")];
        using Process add = Run("ssh-add", ["-q", "--", .. keys], settings, environment);
        add.StandardInput.Close();
        Task<string> errors = add.StandardError.ReadToEndAsync(), output = add.StandardOutput.ReadToEndAsync();
        if (!add.WaitForExit(s_patience)) add.Kill();
        Task.WaitAll(errors, output);
        if (add.ExitCode == 0) return;
        string why = errors.Result.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault(l => !l.StartsWith('@')) ?? "it is no key";
        throw new KimgException(ErrorCode.InvalidSecret, $"--ssh {option}: ssh-add does not take the key: {Registry.OneLine.Of(why, 200)}")
        {
            Hint = "the file must be a private key that only you may read, without a passphrase; for another, add it to an agent with ssh-add and use --ssh default",
        };
    }

    private static Process Run(string program, IEnumerable<string> arguments, (string Name, string Value)[] settings, Func<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        foreach ((string name, string value) in settings) start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new KimgException(ErrorCode.ProgramMissing, $"the program '{program}' cannot be started: {error.Message}", error)
            {
                Hint = "keys given as files need it: apt-get install openssh-client; or give the socket of a running agent",
            };
        }
    }
}
