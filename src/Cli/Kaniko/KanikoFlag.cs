using System.Collections.Immutable;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Kaniko;

/// <summary>What becomes of a flag of another builder.</summary>
internal enum KanikoMeaning
{
    /// <summary>It does here what it does there.</summary>
    Honoured,

    /// <summary>What it asks for is so without it: it works around something that kimg does not do.</summary>
    Already,

    /// <summary>An error that names the alternative.</summary>
    Refused,
}

/// <summary>A flag of Kaniko or Kimia. The parser, the refusals, the help and the table of docs/migrating.md are made from these.</summary>
/// <param name="Of">"Kaniko", "Kimia" or "both".</param>
/// <param name="Here">What it means here; of a refused one: what to do instead.</param>
internal sealed record KanikoFlag(string Name, ValueKind Kind, string Of, KanikoMeaning Meaning, string Here)
{
    public char? Short { get; init; }

    public string Value { get; init; } = "VALUE";

    public string? Default { get; init; }

    /// <summary>Values of a refused flag that ask for what is so anyway.</summary>
    public ImmutableArray<string> Harmless { get; init; } = [];

    public OptionRow Row => new(Name, Kind, Help)
    {
        Short = Short, Value = Kind == ValueKind.Flag ? "" : Value, Default = Default,
    };

    private string Help => Meaning switch
    {
        KanikoMeaning.Refused => "Not supported: " + Here,
        KanikoMeaning.Already => "Changes nothing: " + Here,
        _ => char.ToUpperInvariant(Here[0]) + Here[1..],
    };
}
