using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Reports;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>Lints a Dockerfile; <c>kimg build --check</c> comes here too.</summary>
internal static class CheckVerb
{
    private static readonly OptionRow s_format = new("format", ValueKind.Single, "How findings are printed")
    {
        Value = "FORMAT", Choices = ["text", "json", "sarif"], Default = "text",
    };

    public static Verb Create() => new()
    {
        Name = "check",
        Summary = "Check a Dockerfile without building it",
        Positionals = "CONTEXT",
        MaxPositionals = 1,
        PositionalPath = PathKind.Directory,
        Details = "The exit code is 3 when there are findings.",
        Options =
        [
            s_format, BuildOptionRows.Context, BuildOptionRows.ContextSubPath, BuildOptionRows.Dockerfile, BuildOptionRows.Target,
            BuildOptionRows.BuildArg, BuildOptionRows.BuildContext,
            BuildOptionRows.Platforms, .. EngineOptionRows.All,
        ],
        Run = (arguments, host, token) =>
            RunAsync(BuildRequestParser.Parse(arguments, host), arguments.Value(s_format) ?? "text", arguments, host, token),
    };

    public static async Task<int> RunAsync(BuildRequest request, string format, Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        CheckResult report = await engine.CheckAsync(request, cancellationToken);
        host.Write(format switch
        {
            "json" => CallReport.Json(report) + "\n",
            "sarif" => LintSarif.Render(report, VersionVerb.Version),
            _ => LintText.Render(report),
        });
        if (report.Error is { } error) throw error;
        return report.Warnings.IsEmpty ? 0 : ErrorCode.LintFailed.ToExitCode();
    }
}
