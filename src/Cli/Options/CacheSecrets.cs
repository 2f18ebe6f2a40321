using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>The secrets among a cache's attributes, as long as they are text: they are shown to nobody, not even to whoever mistyped another key.</summary>
internal static partial class CacheSecrets
{
    private static readonly string[] s_keys = ["secret_access_key", "session_token", "token", "ghtoken", "account_url"];

    // A field in quotes holds commas, and two quotes for one. Of one whose quote is never closed everything to the end is taken.
    [GeneratedRegex("\"(?:[^\"]|\"\")*(?:\"[^,]*|$)|[^,]+")]
    private static partial Regex Fields();

    public static string Masked(string text)
    {
        bool torn = false;
        return Fields().Replace(text, field =>
        {
            (string key, bool quoted) = KeyOf(field.Value);
            if (torn && !CacheParser.IsKey(key)) return "***";
            torn = s_keys.Contains(key) && !quoted;
            return s_keys.Contains(key) ? $"{field.Value[..field.Value.IndexOf('=')]}=***" : field.Value;
        });
    }

    /// <summary>What follows a secret and is no key may be the rest of it, which a comma has cut off.</summary>
    /// <exception cref="KimgException">InvalidCacheOption.</exception>
    public static void RefuseTorn(OptionSource source, string text)
    {
        string? secret = null;
        foreach (Match field in Fields().Matches(text))
        {
            (string key, bool quoted) = KeyOf(field.Value);
            if (secret is not null && !CacheParser.IsKey(key))
                throw source.Invalid($"what follows {secret}= is no key", $"correct the key; or the value holds a comma: write \"{secret}=…\" with both quotes");
            secret = s_keys.Contains(key) && !quoted ? key : null;
        }
    }

    private static (string Key, bool IsQuoted) KeyOf(string field)
    {
        int equals = field.IndexOf('=');
        return (equals < 0 ? "" : field[..equals].Trim('"', ' ').ToLowerInvariant(), field.StartsWith('"'));
    }
}
