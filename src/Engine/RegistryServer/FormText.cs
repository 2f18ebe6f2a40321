using System.Collections.Frozen;

namespace Kimg.Engine.RegistryServer;

/// <summary>Queries and application/x-www-form-urlencoded bodies. The values of a repeated name are joined by a space,
/// which is what repeated scopes mean.</summary>
internal static class FormText
{
    public static FrozenDictionary<string, string> Parse(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in text.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string name = Decode(equals < 0 ? pair : pair[..equals]), value = equals < 0 ? "" : Decode(pair[(equals + 1)..]);
            values[name] = values.TryGetValue(name, out string? before) ? $"{before} {value}" : value;
        }

        return values.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
