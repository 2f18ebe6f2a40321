using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>Option values that come from the environment (first) or from the configuration file: a JSON object whose keys are names of
/// options without the dashes.</summary>
internal sealed class Settings
{
    private readonly Func<string, string?> _variable;
    private readonly Dictionary<string, ImmutableArray<string>> _file = new(StringComparer.Ordinal);

    private Settings(Func<string, string?> variable) => _variable = variable;

    /// <exception cref="KimgException">InvalidConfigurationFile.</exception>
    public static Settings Load(CliHost host, IEnumerable<OptionRow> rows)
    {
        var settings = new Settings(host.Variable);
        string? named = host.Variable("KIMG_CONFIG");
        if ((named ?? DefaultPath(host)) is not { } path) return settings;
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (named is null && e is FileNotFoundException or DirectoryNotFoundException)
        {
            return settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidConfigurationFile, $"cannot read the configuration file '{path}': {e.Message}", e);
        }

        settings.Read(path, bytes, rows);
        return settings;
    }

    public ImmutableArray<string>? Find(OptionRow row)
    {
        if (!row.Configurable) return null;
        string? text = _variable(row.Variable);
        if (string.IsNullOrEmpty(text) && row.OtherVariable is { } other) text = _variable(other);
        if (!string.IsNullOrEmpty(text)) return row.Kind == ValueKind.Many ? [.. text.Split(',', StringSplitOptions.TrimEntries)] : [text];
        return _file.TryGetValue(row.Name, out ImmutableArray<string> values) ? values : null;
    }

    private static string? DefaultPath(CliHost host)
    {
        string? directory = host.Variable("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(directory)) directory = host.Variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".config") : null;
        return directory is null ? null : Path.Combine(directory, "kimg", "config.json");
    }

    private void Read(string path, byte[] bytes, IEnumerable<OptionRow> rows)
    {
        JsonDocumentOptions options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, options);
        }
        catch (JsonException e)
        {
            throw Invalid(path, $"it is not JSON (line {e.LineNumber + 1})", "write an object such as { \"progress\": \"plain\" }");
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Invalid(path, "it is not a JSON object", "it must start with '{'");
            Dictionary<string, OptionRow> known = Catalog.ConfigurableOptions().Concat(rows).Where(r => r.Configurable).DistinctBy(r => r.Name)
                .ToDictionary(r => r.Name, StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!known.TryGetValue(property.Name, out OptionRow? row))
                {
                    throw Invalid(path, $"unknown key '{property.Name}'", Suggestion.Nearest(property.Name, known.Keys) is { } near
                        ? $"did you mean '{near}'?"
                        : "known keys: " + string.Join(", ", known.Keys.Order(StringComparer.Ordinal)));
                }

                _file[property.Name] = ValuesOf(path, row, property.Value);
            }
        }
    }

    private static ImmutableArray<string> ValuesOf(string path, OptionRow row, JsonElement value) => (row.Kind, value.ValueKind) switch
    {
        (ValueKind.Flag, JsonValueKind.True) => ["true"],
        (ValueKind.Flag, JsonValueKind.False) => ["false"],
        (ValueKind.Single or ValueKind.Many, JsonValueKind.String) => [value.GetString()!],
        (ValueKind.Many, JsonValueKind.Array) when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) =>
            [.. value.EnumerateArray().Select(v => v.GetString()!)],
        _ => throw Invalid(path, $"'{row.Name}' has a value of the wrong kind", row.Kind switch
        {
            ValueKind.Flag => "it must be true or false",
            ValueKind.Single => "it must be a string",
            _ => "it must be a list of strings",
        }),
    };

    private static KimgException Invalid(string path, string problem, string hint) =>
        new(ErrorCode.InvalidConfigurationFile, $"invalid configuration file '{path}': {problem}") { Hint = hint };
}
