using System.Collections.Immutable;
using Kimg.Ci.Metadata;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Engine.Build;

namespace Kimg.Cli.Ci;

/// <summary>A build in a CI job: what to build, and who is told what.</summary>
/// <param name="Arguments">Those of kimg build; names and labels of the rules are in them already.</param>
internal sealed record CiJob(BuildRequest Request, Arguments Arguments, EngineOptions Engine)
{
    /// <summary>What the rules gave; null: there were none.</summary>
    public MetadataResult? Metadata { get; init; }

    /// <summary>off: no findings are shown. warn: they are shown. error: they fail the job before it builds.</summary>
    public string Check { get; init; } = "warn";

    /// <summary>Whether errors and findings are shown on their lines.</summary>
    public bool Annotate { get; init; } = true;

    /// <summary>Whether findings are, where errors are.</summary>
    public bool AnnotateFindings { get; init; } = true;

    public string? SummaryFile { get; init; }

    public string? DotenvFile { get; init; }

    public string? CodeQualityFile { get; init; }

    public string? SarifFile { get; init; }

    /// <summary>Takes the summary besides the file: a comment.</summary>
    public Func<string, CancellationToken, Task>? Comment { get; init; }

    /// <summary>Added to the published results.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Outputs { get; init; } = [];
}
