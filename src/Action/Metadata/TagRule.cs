using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>A line of the input <c>tags</c>: <c>type=semver,pattern={{version}},priority=900</c>.</summary>
internal sealed record TagRule(string Type, ImmutableDictionary<string, string> Attributes, string Text)
{
    private static readonly ImmutableDictionary<string, int> s_priorities = new Dictionary<string, int>
    {
        ["schedule"] = 1000, ["semver"] = 900, ["pep440"] = 900, ["match"] = 800, ["edge"] = 700, ["ref"] = 600, ["raw"] = 200, ["sha"] = 100,
    }.ToImmutableDictionary();

    public static readonly ImmutableArray<string> Defaults = ["type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr"];

    public int Priority => int.Parse(Attributes["priority"], CultureInfo.InvariantCulture);

    public string this[string name] => Attributes.GetValueOrDefault(name, "");

    public static TagRule Parse(string text)
    {
        var attributes = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        string type = "raw";
        foreach (string field in RuleFields.Split(text))
        {
            int equals = field.IndexOf('=', Math.Min(1, field.Length));
            if (equals < 0) attributes["value"] = field.Trim();
            else if (field[..equals].Trim().Equals("type", StringComparison.OrdinalIgnoreCase)) type = field[(equals + 1)..].Trim();
            else attributes[field[..equals].Trim().ToLowerInvariant()] = field[(equals + 1)..].Trim();
        }

        if (!s_priorities.TryGetValue(type, out int priority))
            throw Invalid(text, $"unknown type '{type}'", "types: " + string.Join(", ", s_priorities.Keys.Order(StringComparer.Ordinal)));
        Complete(type, attributes, text);
        attributes.TryAdd("group", "0");
        attributes.TryAdd("enable", "true");
        attributes.TryAdd("priority", priority.ToString(CultureInfo.InvariantCulture));
        foreach (string number in new[] { "group", "priority" })
        {
            if (!int.TryParse(attributes[number], NumberStyles.None, CultureInfo.InvariantCulture, out _)) throw Invalid(text, $"{number}= is not a number", $"{number}=1");
        }

        return new TagRule(type, attributes.ToImmutable(), text);
    }

    internal static KimgException Invalid(string text, string why, string hint) =>
        new(ErrorCode.InvalidArgument, $"invalid tag rule '{text}': {why}") { Hint = hint };

    private static void Complete(string type, ImmutableDictionary<string, string>.Builder attributes, string text)
    {
        void Need(string name, params string[] choices)
        {
            if (!attributes.TryGetValue(name, out string? value)) throw Invalid(text, $"{name}= is missing", $"type={type} needs {name}=");
            if (choices.Length > 0 && !choices.Contains(value)) throw Invalid(text, $"unknown {name} '{value}'", string.Join(", ", choices));
        }

        switch (type)
        {
            case "schedule":
                attributes.TryAdd("pattern", "nightly");
                break;
            case "semver" or "pep440" or "match":
                Need("pattern");
                break;
            case "ref":
                Need("event", "branch", "tag", "pr");
                if (attributes["event"] == "pr") attributes.TryAdd("prefix", "pr-");
                break;
            case "raw":
                Need("value");
                break;
            case "sha":
                attributes.TryAdd("prefix", "sha-");
                attributes.TryAdd("format", "short");
                Need("format", "short", "long");
                break;
        }
    }
}
