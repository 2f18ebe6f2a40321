using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;

namespace Kimg.Cli.Progress;

/// <summary>--progress and --quiet → a view. Progress goes to stderr: stdout is for results.</summary>
internal static class ProgressViews
{
    /// <summary>The view that the arguments ask for, fed until it is disposed.</summary>
    public static ProgressPump Open(Arguments arguments, CliHost host) => new(Create(Choose(arguments, host), host), host.Time);

    /// <summary>tty, plain, quiet, rawjson or none.</summary>
    public static string Choose(Arguments arguments, CliHost host)
    {
        if (arguments.Flag(BuildOptionRows.Quiet)) return "quiet";
        if (arguments.Values(BuildOptionRows.Progress) is [.., "json"]) return "rawjson";
        string chosen = arguments.Value(BuildOptionRows.Progress) ?? "auto";
        return chosen != "auto" ? chosen : host.ErrorIsTerminal() && host.Variable("TERM") is not (null or "" or "dumb") ? "tty" : "plain";
    }

    public static ProgressView Create(string name, CliHost host) => name switch
    {
        "tty" => new TtyProgress(host.WriteError, host.TerminalSize, host.Colours),
        "plain" => new PlainProgress(host.WriteError, host.Colours),
        "rawjson" => new RawJsonProgress(bytes =>
        {
            host.Error.Value.Write(bytes);
            host.Error.Value.Flush();
        }),
        _ => new NoProgress(),
    };
}
