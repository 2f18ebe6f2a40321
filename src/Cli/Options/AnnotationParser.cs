using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>--annotation <c>[LEVEL[PLATFORM],…:]KEY=VALUE</c>.</summary>
internal static class AnnotationParser
{
    private static readonly string[] s_levels = ["manifest", "index", "manifest-descriptor", "index-descriptor"];

    public static ImmutableArray<Annotation> Parse(string text)
    {
        var source = new OptionSource("--annotation", text);
        int equals = text.IndexOf('=');
        if (equals <= 0) throw source.Invalid("it is not KEY=VALUE");
        string key = text[..equals], value = text[(equals + 1)..];
        int colon = key.IndexOf(':');
        if (colon < 0 || !s_levels.Any(l => key.StartsWith(l, StringComparison.Ordinal) && key.Length > l.Length && key[l.Length] is ':' or '[' or ','))
        {
            // "index:…" misspelt would otherwise become part of the key.
            if (colon > 0 && Suggestion.Nearest(key[..colon], s_levels) is { } near)
                throw source.Invalid($"unknown level '{key[..colon]}'", $"did you mean '{near}'?");
            return [Create(source, "", key, value)];
        }

        string name = key[(colon + 1)..];
        return [.. key[..colon].Split(',').Select(level => Create(source, level.Trim(), name, value))];
    }

    /// <param name="level">"index", "manifest[linux/amd64]", …; empty: manifest.</param>
    public static Annotation Create(OptionSource source, string level, string key, string value)
    {
        if (key.Length == 0) throw source.Invalid("the key is empty");
        Platform? platform = null;
        int bracket = level.IndexOf('[');
        if (bracket >= 0)
        {
            if (!level.EndsWith(']')) throw source.Invalid($"'{level}' has no closing bracket");
            platform = Platform.Parse(level[(bracket + 1)..^1]);
            level = level[..bracket];
        }

        if (level.Length == 0) level = "manifest";
        if (!s_levels.Contains(level)) throw source.Invalid($"unknown level '{level}'", "levels: " + string.Join(", ", s_levels));
        if (platform is not null && level.StartsWith("index", StringComparison.Ordinal)) throw source.Invalid("an index has no platform");
        return new Annotation(key, value, level, platform);
    }
}
