using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>A table of a TOML file, in the file's order; "" is what stands before the first.</summary>
/// <param name="IsArray">Written as <c>[[name]]</c>: one of several.</param>
/// <param name="Line">Of its header.</param>
internal sealed record TomlTable(string Name, bool IsArray, string File, int Line)
{
    private readonly Dictionary<string, (object Value, int Line)> _values = new(StringComparer.Ordinal);

    /// <summary>A string, a boolean, or anything else as null, which nobody asks for here.</summary>
    internal void Add(string key, object? value, int line)
    {
        if (!_values.TryAdd(key, (value ?? "", line))) throw Invalid(File, line, $"'{key}' is set twice", "remove one");
    }

    internal string? Text(string key) => _values.TryGetValue(key, out var found)
        ? found.Value as string ?? throw Invalid(File, found.Line, $"'{key}' is not a string", "put it in quotes")
        : null;

    internal bool Boolean(string key) => _values.TryGetValue(key, out var found)
        && (found.Value as bool? ?? throw Invalid(File, found.Line, $"'{key}' is not a boolean", "write true or false, without quotes"));

    /// <summary>Refuses every other key: a misspelt one would be a rule that does not hold.</summary>
    internal void Only(string[] keys)
    {
        foreach ((string key, (_, int line)) in _values)
        {
            if (keys.Contains(key)) continue;
            throw Invalid(File, line, $"unknown key '{key}'", Suggestion.Nearest(key, keys) is { } near ? $"did you mean '{near}'?" : "known are " + string.Join(", ", keys));
        }
    }

    internal KimgException Invalid(string problem, string hint) => Invalid(File, Line, problem, hint);

    internal static KimgException Invalid(string file, int line, string problem, string hint) =>
        new(ErrorCode.InvalidConfigurationFile, string.Create(CultureInfo.InvariantCulture, $"invalid configuration file '{file}', line {line}: {problem}")) { Hint = hint };
}
