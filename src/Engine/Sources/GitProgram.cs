using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Sources;

/// <summary>Runs <c>git</c> with nothing of the user's settings, no hooks, no questions and only the protocols asked for. Credentials travel in the environment,
/// never in arguments.</summary>
internal sealed class GitProgram(GitOptions options)
{
    private const int MaxErrors = 16 << 10;

    // Everything git or curl or ssh needs of the surroundings; the rest stays outside.
    private static readonly ImmutableArray<string> s_passed =
    [
        "PATH", "TMPDIR", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    ];

    private static readonly ImmutableArray<(string Key, string Value)> s_settings =
    [
        ("core.hooksPath", "/dev/null"), ("core.fsmonitor", "false"), ("core.attributesFile", "/dev/null"), ("core.autocrlf", "false"),
        ("core.symlinks", "true"), ("core.logAllRefUpdates", "false"), ("core.protectNTFS", "true"), ("gc.auto", "0"), ("maintenance.auto", "false"),
        ("pack.threads", "1"), ("advice.detachedHead", "false"), ("init.defaultBranch", "master"), ("transfer.fsckObjects", "false"),
        ("credential.helper", ""), ("http.followRedirects", "initial"),
    ];

    /// <summary>Runs to the end.</summary>
    /// <param name="directory">Where it works.</param>
    /// <returns>Its standard output.</returns>
    /// <exception cref="KimgException">GitFailed with the last line git wrote; ProgramMissing.</exception>
    public async Task<string> RunAsync(GitAccess access, string directory, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        (int exit, string output, string errors) = await TryRunAsync(access, directory, arguments, cancellationToken);
        return exit == 0 ? output : throw Failed(access, errors);
    }

    /// <summary>As <see cref="RunAsync"/>; a failure of git is a result.</summary>
    public async Task<(int Exit, string Output, string Errors)> TryRunAsync(
        GitAccess access, string directory, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using Process process = Start(access, directory, arguments);
        try
        {
            process.StandardInput.Close();
            Task<string> errors = TailAsync(process.StandardError.BaseStream, cancellationToken);
            string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            string tail = await errors;
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output, tail);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    public static KimgException Failed(GitAccess access, string errors)
    {
        string[] lines = [.. errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        string why = lines.FirstOrDefault(l => l.StartsWith("fatal:", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? "git failed without a message";
        return new KimgException(ErrorCode.GitFailed, $"cannot get '{access.Shown}': {OneLine.Of(why.Replace("fatal: ", "", StringComparison.Ordinal), 300)}")
        {
            Hint = Hint(errors, access),
        };
    }

    private static string Hint(string errors, GitAccess access)
    {
        bool Says(string text) => errors.Contains(text, StringComparison.OrdinalIgnoreCase);
        if (Says("host key")) return "its host key is not the one known: check ~/.ssh/known_hosts";
        if (Says("publickey")) return access.AgentSocket is null ? "give an ssh agent with --ssh default" : "the ssh agent has no key this host takes";
        if (Says("terminal prompts disabled") || Says("authentication failed") || Says("403"))
            return "a private repository needs --secret id=GIT_AUTH_TOKEN,env=NAME; one that does not exist gives the same answer";
        if (Says("redirect")) return "credentials are not sent along a redirect: give the address the repository is really at";
        if (Says("cannot run ssh")) return "install ssh: apt-get install openssh-client";
        return "check the address and the network";
    }

    private Process Start(GitAccess access, string directory, IEnumerable<string> arguments)
    {
        string git = Find("git") ?? throw new KimgException(ErrorCode.ProgramMissing, "the program 'git' is not on the PATH")
        {
            Hint = "install it: apt-get install git, apk add git, or dnf install git",
        };
        var start = new ProcessStartInfo(git, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = directory,
        };
        start.Environment.Clear();
        foreach ((string name, string value) in EnvironmentOf(access, directory)) start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new KimgException(ErrorCode.ProgramMissing, $"'{git}' cannot be started: {error.Message}", error) { Hint = "install git again" };
        }
    }

    private IEnumerable<(string Name, string Value)> EnvironmentOf(GitAccess access, string directory)
    {
        foreach (string name in s_passed)
            if (options.Environment(name) is { } value) yield return (name, value);
        yield return ("HOME", "/nonexistent");

        // A state directory inside somebody's work tree must not bring that repository's settings.
        yield return ("GIT_CEILING_DIRECTORIES", Path.GetDirectoryName(directory)!);
        yield return ("LC_ALL", "C.UTF-8");
        yield return ("GIT_TERMINAL_PROMPT", "0");
        yield return ("GIT_ASKPASS", "/bin/false");
        yield return ("SSH_ASKPASS", "/bin/false");
        yield return ("GIT_CONFIG_NOSYSTEM", "1");
        yield return ("GIT_CONFIG_GLOBAL", "/dev/null");
        yield return ("GIT_ATTR_NOSYSTEM", "1");
        yield return ("GIT_NO_REPLACE_OBJECTS", "1");
        yield return ("GIT_ALLOW_PROTOCOL", access.Protocols ?? options.Protocols);
        yield return ("GIT_SSH_COMMAND", SshCommand());
        if (access.AgentSocket is { } socket) yield return ("SSH_AUTH_SOCK", socket);
        if (options.CaFile is { } roots) yield return ("GIT_SSL_CAINFO", roots);
        (string Key, string Value)[] settings = access.Authorization is { } header
            ? [.. s_settings, ("http.followRedirects", "false"), ($"http.{access.AuthorizationScope}.extraHeader", "Authorization: " + header.Reveal())]
            : [.. s_settings];
        yield return ("GIT_CONFIG_COUNT", $"{settings.Length}");
        for (int i = 0; i < settings.Length; i++)
        {
            yield return ($"GIT_CONFIG_KEY_{i}", settings[i].Key);
            yield return ($"GIT_CONFIG_VALUE_{i}", settings[i].Value);
        }
    }

    // Keys of hosts met first are kept beside the repositories; a key that changes is refused.
    private string SshCommand()
    {
        string home = options.Environment("HOME") is { Length: > 0 } directory ? $" \"{directory}/.ssh/known_hosts\"" : "";
        string known = $"\"{options.Directory}/known_hosts\"{home} /etc/ssh/ssh_known_hosts";
        return "ssh -F /dev/null -o BatchMode=yes -o ForwardAgent=no -o ConnectTimeout=30 -o StrictHostKeyChecking=accept-new -o "
            + $"'UserKnownHostsFile={known.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private string? Find(string program) => (options.Environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
        .Split(':', StringSplitOptions.RemoveEmptyEntries).Where(Path.IsPathRooted).Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    private static async Task<string> TailAsync(Stream stream, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        using var reader = new StreamReader(stream);
        while (await reader.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            text.Append(buffer, 0, read);
            if (text.Length > 2 * MaxErrors) text.Remove(0, text.Length - MaxErrors);
        }

        return text.ToString();
    }
}

/// <summary>What git may do here.</summary>
internal sealed record GitOptions
{
    /// <summary>Where bare repositories are kept between builds.</summary>
    public required string Directory { get; init; }

    /// <summary>Variables of the user's environment.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>As in GIT_ALLOW_PROTOCOL.</summary>
    public string Protocols { get; init; } = "http:https:ssh:git";

    /// <summary>PEM file that replaces the host's certificate authorities.</summary>
    public string? CaFile { get; init; }
}

/// <summary>A remote and what is needed to be let in.</summary>
/// <param name="Remote">Without credentials.</param>
internal sealed record GitAccess(string Remote)
{
    /// <summary>The value of an Authorization header, for addresses that begin with <see cref="AuthorizationScope"/>.</summary>
    public Secret? Authorization { get; init; }

    public string AuthorizationScope { get; init; } = "";

    public string? AgentSocket { get; init; }

    /// <summary>Instead of <see cref="GitOptions.Protocols"/>.</summary>
    public string? Protocols { get; init; }

    /// <summary>For messages.</summary>
    public string Shown => Remote.Split('?', '#')[0];
}
