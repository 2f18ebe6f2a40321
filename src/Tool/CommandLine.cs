using System.Collections.Immutable;

namespace Kimg.Tool;

/// <summary>The command line, taken apart as far as a project needs it; a Dockerfile's goes to kimg as it is.</summary>
internal sealed record CommandLine
{
    // Of kimg build; everything else takes a value.
    private static readonly string[] s_flags = ["push", "no-cache", "pull", "quiet", "check", "load", "debug", "print", "portable", "help"];

    private static readonly Dictionary<string, string> s_short = new(StringComparer.Ordinal)
    {
        ["-t"] = "tag", ["-b"] = "base", ["-a"] = "arch", ["-f"] = "file", ["-o"] = "output", ["-q"] = "quiet", ["-D"] = "debug", ["-h"] = "help",
        ["-c"] = "configuration", ["-v"] = "verbosity",
    };

    public string? Subject { get; init; }

    /// <summary>Options by name without the dashes, in order; a flag has "true" or "false".</summary>
    public ImmutableArray<(string Name, string Value)> Options { get; init; } = [];

    /// <summary>-p:NAME=VALUE and other arguments of dotnet itself.</summary>
    public ImmutableArray<string> ForMsbuild { get; init; } = [];

    public string? Last(string name) => Options.LastOrDefault(option => option.Name == name).Value;

    public bool Flag(string name) => Last(name) is "true" or "1";

    public IEnumerable<string> All(string name) => Options.Where(option => option.Name == name).Select(option => option.Value);

    /// <exception cref="UsageException">An option has no value, or there are two subjects.</exception>
    public static CommandLine Parse(ReadOnlySpan<string> arguments)
    {
        var options = ImmutableArray.CreateBuilder<(string, string)>();
        var msbuild = ImmutableArray.CreateBuilder<string>();
        string? subject = null;
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (IsForMsbuild(argument)) msbuild.Add(argument);
            else if (argument == "-" || argument[0] != '-')
            {
                if (subject is not null) throw new UsageException($"unexpected argument '{argument}': the image is of '{subject}'");
                subject = argument;
            }
            else
            {
                int equals = argument.IndexOf('=');
                string spelling = equals < 0 ? argument : argument[..equals];
                string name = s_short.GetValueOrDefault(spelling) ?? (spelling.StartsWith("--", StringComparison.Ordinal) ? spelling[2..] : throw new UsageException($"unknown option '{spelling}'"));
                if (equals >= 0) options.Add((name, argument[(equals + 1)..]));
                else if (s_flags.Contains(name)) options.Add((name, "true"));
                else if (++i < arguments.Length) options.Add((name, arguments[i]));
                else throw new UsageException($"option '{spelling}' needs a value");
            }
        }

        return new CommandLine { Subject = subject, Options = options.ToImmutable(), ForMsbuild = msbuild.ToImmutable() };
    }

    private static readonly string[] s_msbuild =
    [
        "-p:", "/p:", "--property:", "-bl", "/bl", "-m", "-v:", "-clp:", "-getProperty:", "-getItem:", "-tl", "/tl", "--tl", "-terminalLogger", "--terminalLogger",
        "-nr:", "-nodeReuse:", "-warnAsError", "-warnNotAsError", "-warnAsMessage", "-fl", "-consoleLoggerParameters:", "-noLogo", "-graph", "-restoreProperty:", "-rp:",
    ];

    private static bool IsForMsbuild(string argument) => s_msbuild.Any(prefix => argument.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
