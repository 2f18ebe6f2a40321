using System.Collections.Immutable;
using Kimg.Ci.Hosts;
using Kimg.Ci.Metadata;
using Kimg.Cli.Ci;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>Building in CI jobs: ci build on any host, ci github behind action.yml.</summary>
internal static class CiVerbs
{
    public static Verb CreateDetect() => new()
    {
        Name = "ci detect",
        Summary = "Tell which CI host this is, and what it says about the run",
        Run = (_, host, _) =>
        {
            CiHost ci = CiDetection.Detect(host.Variable);
            host.Write(Describe(ci));
            return Task.FromResult(0);
        },
    };

    public static Verb CreateBuild() => new()
    {
        Name = "ci build",
        Summary = "Build in a CI job: folded log, findings on lines, tags by rules, reports, results for later steps",
        Positionals = "CONTEXT",
        MaxPositionals = 1,
        PositionalPath = PathKind.Directory,
        Details = "The host is found by its variables (kimg ci detect). Everything else is as for kimg build.",
        Options = CiOptionRows.All,
        Run = RunBuildAsync,
    };

    public static Verb CreateGitHub() => new()
    {
        Name = "ci github",
        Summary = "Do what the inputs of the GitHub action say",
        Details = "The inputs come as INPUT_… variables; action.yml lists them.",
        Run = (_, host, token) => GitHubAction.RunAsync(host, token),
    };

    private static async Task<int> RunBuildAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        CiHost ci = CiDetection.Detect(host.Variable);
        CiJob? job = null;
        await CiFailure.ToldAsync(ci, host, () =>
        {
            job = Job(arguments, ci, host);
            return Task.FromResult(0);
        });
        return await new CiRun(job!, ci, host).RunAsync(cancellationToken);
    }

    private static CiJob Job(Arguments arguments, CiHost ci, CliHost host)
    {
        MetadataResult? metadata = null;
        bool labels = arguments.Flag(CiOptionRows.OciLabels);
        string[] rules = [.. arguments.Values(CiOptionRows.TagRule).Where(r => r != "default")];
        bool tags = arguments.IsGiven(CiOptionRows.TagRule);
        if (tags || labels)
        {
            ImmutableArray<string> images = arguments.Values(CiOptionRows.Image);
            if (images.IsEmpty && ci.Facts.DefaultImage is { } image) images = [image];
            if (tags && images.IsEmpty) throw new KimgException(ErrorCode.InvalidArgument, "the tag rules need an image") { Hint = "give --image REGISTRY/NAME" };
            var input = new MetadataInput { Images = images, Tags = [.. rules], Flavor = arguments.Values(CiOptionRows.Flavor) };
            metadata = MetadataVariables.Apply(input, ci.Facts, host.Variable, host.Time.GetUtcNow());
            foreach (string notice in metadata.Notices) host.WriteError(notice + "\n");
            arguments = WithMetadata(arguments, metadata, tags, labels);
        }

        return new CiJob(BuildRequestParser.Parse(arguments, host), arguments, EngineOptionRows.Read(arguments, host))
        {
            Metadata = metadata,
            Check = arguments.Value(CiOptionRows.Check) ?? "warn",
            Annotate = !arguments.Flag(CiOptionRows.NoAnnotations),
            SummaryFile = FileOf(CiOptionRows.Summary) ?? ci.SummaryFile,
            DotenvFile = FileOf(CiOptionRows.Dotenv),
            CodeQualityFile = FileOf(CiOptionRows.CodeQuality),
            SarifFile = FileOf(CiOptionRows.Sarif),
        };

        string? FileOf(OptionRow row) => arguments.Value(row) is { Length: > 0 } path ? Path.GetFullPath(path, host.CurrentDirectory) : null;
    }

    /// <summary>Names and labels of the rules, before those that were given.</summary>
    internal static Arguments WithMetadata(Arguments arguments, MetadataResult metadata, bool tags, bool labels)
    {
        if (tags) arguments = arguments.With(BuildOptionRows.Tag, metadata.Tags.Concat(arguments.Values(BuildOptionRows.Tag)));
        if (!labels) return arguments;
        IEnumerable<string> made = metadata.Labels.Where(l => l.Value.Length > 0).Select(l => $"{l.Key}={l.Value}");
        return arguments.With(BuildOptionRows.Label, made.Concat(arguments.Values(BuildOptionRows.Label)));
    }

    private static string Describe(CiHost ci)
    {
        CiFacts facts = ci.Facts;
        (string Name, string? Value)[] rows =
        [
            ("host", ci.Name), ("ref", facts.Ref), ("commit", facts.Commit), ("event", facts.Event), ("default-branch", facts.DefaultBranch), ("base-branch", facts.BaseBranch),
            ("repository", facts.Repository), ("url", facts.Url), ("run", facts.RunUrl), ("builder", facts.Builder), ("image", facts.DefaultImage), ("workspace", facts.Workspace),
        ];
        return string.Concat(rows.Where(r => !string.IsNullOrEmpty(r.Value)).Select(r => $"{r.Name,-15} {Progress.OutputSanitizer.OneLine(r.Value!)}\n"));
    }
}
