using System.Collections.Immutable;

namespace Kimg.Cli.CommandLine;

internal enum ValueKind
{
    /// <summary>Present or absent; <c>--name=false</c> turns it off.</summary>
    Flag,

    /// <summary>One value; the last one wins.</summary>
    Single,

    /// <summary>May be repeated.</summary>
    Many,
}

/// <summary>One option of a verb. Parsing, help, docs/cli.md and shell completion are all made from these rows.</summary>
internal sealed record OptionRow(string Name, ValueKind Kind, string Help)
{
    public char? Short { get; init; }

    /// <summary>What the value is called in help, as in <c>--tag NAME</c>.</summary>
    public string Value { get; init; } = "";

    /// <summary>The only values there are; empty: any. Other spellings that a parser accepts besides are not listed.</summary>
    public ImmutableArray<string> Choices { get; init; } = [];

    public string? Default { get; init; }

    /// <summary>It may also be set by the environment (<see cref="Variable"/>) and by the configuration file (under its name).</summary>
    public bool Configurable { get; init; }

    /// <summary>A variable of another program that means the same; looked at after <see cref="Variable"/>.</summary>
    public string? OtherVariable { get; init; }

    public PathKind Path { get; init; } = PathKind.None;

    public string Variable => "KIMG_" + Name.ToUpperInvariant().Replace('-', '_');

    public string Spelling => "--" + Name;
}

/// <summary>What the shell completes a value with.</summary>
internal enum PathKind
{
    None,
    File,
    Directory,
}
