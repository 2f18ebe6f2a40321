using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>The values of one command line, after the environment and the configuration file have filled what it leaves open.</summary>
internal sealed class Arguments(
    ImmutableArray<string> positionals,
    IReadOnlyDictionary<string, ImmutableArray<string>> values,
    Settings settings)
{
    public ImmutableArray<string> Positionals { get; } = positionals;

    /// <summary>The same with other values for one option.</summary>
    public Arguments With(OptionRow row, IEnumerable<string> given) =>
        new(Positionals, new Dictionary<string, ImmutableArray<string>>(values) { [row.Name] = [.. given] }, settings);

    /// <summary>True when the command line itself has the option.</summary>
    public bool IsGiven(OptionRow row) => values.ContainsKey(row.Name);

    public ImmutableArray<string> Values(OptionRow row) =>
        values.TryGetValue(row.Name, out ImmutableArray<string> given) ? given : settings.Find(row) ?? [];

    /// <summary>The last value, or null.</summary>
    public string? Value(OptionRow row)
    {
        ImmutableArray<string> all = Values(row);
        if (all.IsEmpty) return null;
        string value = all[^1];
        if (!row.Choices.IsEmpty && !row.Choices.Contains(value)) throw NotAChoice(row, value);
        return value;
    }

    public bool Flag(OptionRow row)
    {
        ImmutableArray<string> all = Values(row);
        return !all.IsEmpty && ParseBoolean(row.Spelling, all[^1]);
    }

    /// <summary>The spellings Go's strconv.ParseBool takes, which is what docker's flags take.</summary>
    public static bool ParseBoolean(string what, string value) => value switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new KimgException(ErrorCode.InvalidArgument, $"invalid value '{value}' for {what}") { Hint = "it takes true or false" },
    };

    public static KimgException NotAChoice(OptionRow row, string value) =>
        new(ErrorCode.InvalidArgument, $"invalid value '{value}' for {row.Spelling}")
        {
            Hint = (Suggestion.Nearest(value, row.Choices) is { } near ? $"did you mean '{near}'? " : "") + "it takes " + string.Join(", ", row.Choices),
        };
}
