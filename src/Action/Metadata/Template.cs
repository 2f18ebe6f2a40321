using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>What a name in a template stands for; it is given its argument and its named arguments.</summary>
internal delegate string TemplateValue(string? argument, IReadOnlyDictionary<string, string> named);

/// <summary>The part of Handlebars that tag rules use: <c>{{name}}</c> and <c>{{name 'argument' key='value'}}</c>.</summary>
internal static partial class Template
{
    /// <exception cref="KimgException">InvalidArgument: unknown name, or braces that do not close.</exception>
    public static string Render(string text, IReadOnlyDictionary<string, TemplateValue> values)
    {
        var result = new StringBuilder();
        int at = 0;
        foreach (Match match in Expression().Matches(text))
        {
            result.Append(text, at, match.Index - at);
            at = match.Index + match.Length;
            string name = match.Groups["name"].Value;
            if (!values.TryGetValue(name, out TemplateValue? value))
                throw TagRule.Invalid(text, $"unknown name '{name}'", "names: " + string.Join(", ", values.Keys.Order(StringComparer.Ordinal)));
            var named = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int i = 0; i < match.Groups["key"].Captures.Count; i++)
                named[match.Groups["key"].Captures[i].Value] = match.Groups["value"].Captures[i].Value[1..^1];
            result.Append(value(match.Groups["argument"] is { Success: true } argument ? argument.Value[1..^1] : null, named));
        }

        string rest = text[at..];
        if (rest.Contains("{{", StringComparison.Ordinal))
            throw TagRule.Invalid(text, "what follows '{{' is not understood", "for example {{version}} or {{date 'YYYYMMDD'}}");
        return result.Append(rest).ToString();
    }

    /// <summary>Whether the whole text is <c>{{raw}}</c>.</summary>
    public static bool IsRaw(string text) =>
        Expression().Match(text) is { Success: true } match && match.Length == text.Length && match.Groups["name"].Value == "raw";

    [GeneratedRegex("""\{\{\{?\s*(?<name>[A-Za-z_]+)(?:\s+(?<argument>'[^']*'|"[^"]*"))?(?:\s+(?<key>[a-z_]+)=(?<value>'[^']*'|"[^"]*"))*\s*\}?\}\}""")]
    private static partial Regex Expression();
}
