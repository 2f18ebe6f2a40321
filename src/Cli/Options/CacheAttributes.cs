using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>The keys and values of one --cache-from or --cache-to. Keys are written in any case, as for buildx. Secrets among the values are never shown.</summary>
internal sealed class CacheAttributes
{
    public static readonly string[] Types = ["registry", "local", "inline", "gha", "s3", "azblob"];

    private readonly List<(string Key, string Value)> _pairs = [];

    private CacheAttributes(OptionSource source, string type) => (Source, Type) = (source, type);

    public OptionSource Source { get; }

    public string Type { get; }

    public static CacheAttributes Parse(string spelling, string text)
    {
        var source = new OptionSource(spelling, CacheSecrets.Masked(text), ErrorCode.InvalidCacheOption);
        if (text.Length == 0) throw source.Invalid("it is empty", "write a name, or type=registry,ref=NAME");
        CacheSecrets.RefuseTorn(source, text);
        List<(string Key, string? Value)> pairs = Csv.Pairs(source, text);
        if (pairs.All(p => p.Value is null))
        {
            if (pairs.Count > 1) throw source.Invalid("it is not one name", "give the option once for each");
            return new CacheAttributes(source, "registry") { _pairs = { ("ref", pairs[0].Key) } };
        }

        pairs = [.. pairs.Select(p => (p.Key.ToLowerInvariant(), p.Value))];
        foreach ((string key, string? value) in pairs)
        {
            if (value is null) throw source.Invalid($"'{key}' is not key=value");
        }

        string type = pairs.LastOrDefault(p => p.Key == "type").Value ?? throw source.Invalid("type= is missing", "types: " + string.Join(", ", Types));
        var attributes = new CacheAttributes(source, type);
        attributes._pairs.AddRange(pairs.Where(p => p.Key != "type").Select(p => (p.Key, p.Value!)));
        return attributes;
    }

    public string? Value(string key) => _pairs.LastOrDefault(p => p.Key == key).Value;

    public IEnumerable<string> Values(string key) => _pairs.Where(p => p.Key == key).Select(p => p.Value);

    public bool? Bool(string key) => Value(key) is { } value ? Arguments.ParseBoolean($"{key} in {Source.Spelling} '{Source.Text}'", value) : null;

    public string Needed(string key, string example) =>
        Value(key) is { Length: > 0 } value ? value : throw Source.Invalid($"{key}= is missing", $"add {example}");

    public void Refuse(IReadOnlyList<string> known)
    {
        foreach ((string key, _) in _pairs)
        {
            if (!known.Contains(key)) throw Source.UnknownKey(key, ["type", .. known]);
        }
    }
}
