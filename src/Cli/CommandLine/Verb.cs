using System.Collections.Immutable;

namespace Kimg.Cli.CommandLine;

/// <summary>What the user can ask for: <c>kimg NAME [options] POSITIONALS</c>.</summary>
internal sealed record Verb
{
    /// <summary>One word or two ("registry serve").</summary>
    public required string Name { get; init; }

    public required string Summary { get; init; }

    /// <summary>What follows the options, as help shows it: "CONTEXT", "SOURCE DESTINATION", "[REFERENCE…]".</summary>
    public string Positionals { get; init; } = "";

    public int MinPositionals { get; init; }

    public int MaxPositionals { get; init; }

    /// <summary>Sentences for help and docs, below the usage line.</summary>
    public string Details { get; init; } = "";

    public ImmutableArray<OptionRow> Options { get; init; } = [];

    public PathKind PositionalPath { get; init; } = PathKind.None;

    public required Func<Arguments, CliHost, CancellationToken, Task<int>> Run { get; init; }

    public string Usage => $"kimg {Name}{(Options.IsEmpty ? "" : " [OPTIONS]")}{(Positionals.Length == 0 ? "" : " " + Positionals)}";
}
