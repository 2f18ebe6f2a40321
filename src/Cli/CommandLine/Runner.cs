using Kimg.Cli.Errors;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>argv → a verb → its exit code; every failure ends here.</summary>
internal static class Runner
{
    public static async Task<int> RunAsync(string[] argv, CliHost host, CancellationToken cancellationToken)
    {
        bool debug = argv.Contains("--debug") || argv.Contains("-D");
        Arguments? arguments = null;
        try
        {
            if (argv is [] or ["--help" or "-h"] or ["help"])
            {
                host.Write(HelpText.Overview(Catalog.All));
                return 0;
            }

            if (argv is ["--version" or "-v"]) argv = ["version"];
            (Verb verb, int words) = Catalog.Find(argv);
            if (IsHelp(argv.AsSpan(words)))
            {
                host.Write(HelpText.For(verb));
                return 0;
            }

            arguments = ArgumentParser.Parse(verb, argv.AsSpan(words), rows => Settings.Load(host, rows));
            debug = arguments.Flag(GlobalOptions.Debug);
            Format(arguments);
            return await verb.Run(arguments, host, cancellationToken);
        }
        catch (Exception e)
        {
            KimgException error = ErrorRenderer.Classify(e);
            LogFormat format = FormatOf(arguments, argv);
            var renderer = new ErrorRenderer(format, host.Colours, debug);
            host.WriteError(renderer.Render(error, host.Time.GetUtcNow()));
            TerminationLog.Write(host, error);
            return error.ExitCode;
        }
    }

    private static bool IsHelp(ReadOnlySpan<string> argv)
    {
        int end = argv.IndexOf("--");
        foreach (string argument in end < 0 ? argv : argv[..end])
        {
            if (argument is "--help" or "-h") return true;
        }

        return false;
    }

    private static LogFormat Format(Arguments arguments) => arguments.Value(GlobalOptions.LogFormat) switch
    {
        "json" => LogFormat.Json,
        "logfmt" => LogFormat.Logfmt,
        _ => LogFormat.Text,
    };

    // The error may be in the command line itself: then what it says about the format is taken by its looks.
    private static LogFormat FormatOf(Arguments? arguments, string[] argv)
    {
        string line = string.Join(' ', argv).Replace('=', ' ');
        if (arguments is null || line.Contains("--log-format", StringComparison.Ordinal))
        {
            if (line.Contains("--log-format json", StringComparison.Ordinal)) return LogFormat.Json;
            return line.Contains("--log-format logfmt", StringComparison.Ordinal) ? LogFormat.Logfmt : LogFormat.Text;
        }

        return Format(arguments);
    }
}
