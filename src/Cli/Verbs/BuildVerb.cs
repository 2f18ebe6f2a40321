using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;

namespace Kimg.Cli.Verbs;

internal static class BuildVerb
{
    public static Verb Create() => new()
    {
        Name = "build",
        Summary = "Build an image from a Dockerfile",
        Positionals = "CONTEXT",
        MaxPositionals = 1,
        PositionalPath = PathKind.Directory,
        Details = "CONTEXT is a directory, a git or http(s) URL, or - for a tar or a Dockerfile on stdin. "
            + "The options are those of docker buildx build, with the same meaning; one that kimg cannot honour is an error.",
        Options = BuildOptionRows.All,
        Run = RunAsync,
    };

    private static async Task<int> RunAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        string progress = ProgressViews.Choose(arguments, host);
        BuildCall call = BuildCall.Parse(arguments);
        BuildRequest request = BuildRequestParser.Parse(arguments, host);
        if (call.Method != "build") return await CallAsync(call, request, arguments, host, cancellationToken);
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        BuildResult result;
        using (var pump = new ProgressPump(ProgressViews.Create(progress, host), host.Time))
        {
            result = await engine.BuildAsync(request, pump, cancellationToken);
        }

        if (progress is "tty" or "plain") host.WriteError(WarningList.Render(result.Warnings, arguments.Flag(GlobalOptions.Debug), host.Colours));
        if (progress == "quiet" && (result.ImageId ?? result.Root?.Digest) is { } id) host.WriteLine(id.ToString());
        return 0;
    }

    private static async Task<int> CallAsync(BuildCall call, BuildRequest request, Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        if (call.Method == "check") return await CheckVerb.RunAsync(request, call.Format, arguments, host, cancellationToken);
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        bool json = call.Format == "json";
        switch (call.Method)
        {
            case "outline":
                DockerfileOutline outline = await engine.OutlineAsync(request, cancellationToken);
                host.Write(json ? CallReport.Json(outline) + "\n" : OutputSanitizer.Lines(CallReport.Text(outline)));
                break;
            case "targets":
                DockerfileTargets targets = await engine.ListTargetsAsync(request, cancellationToken);
                host.Write(json ? CallReport.Json(targets) + "\n" : OutputSanitizer.Lines(CallReport.Text(targets)));
                break;
            default:
                host.Write(CallReport.Methods());
                break;
        }

        return 0;
    }
}
