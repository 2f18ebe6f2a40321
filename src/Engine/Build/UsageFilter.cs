using System.Buffers;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>One --filter of du and prune, as BuildKit's: <c>key=value</c>, <c>key!=value</c>, <c>key~=pattern</c>, <c>inuse</c>. All filters of a request must
/// hold.</summary>
public sealed class UsageFilter
{
    // BuildKit's types of records, and what they are here.
    private static readonly Dictionary<string, string[]> s_types = new(StringComparer.Ordinal)
    {
        ["regular"] = ["snapshot", "blob", "tar"],
        ["exec.cachemount"] = ["cache mount"],
        ["source.local"] = ["context"],
        ["internal"] = ["cache record", "layer record", "index", "imported cache"],
    };

    // The longer of two that begin alike comes first.
    private static readonly string[] s_signs = ["==", "=", "!=", "~="];

    private static readonly SearchValues<char> s_beyond = SearchValues.Create("[](){}|+?\\");

    private readonly Func<UsageItem, bool> _holds;

    private UsageFilter(string text, Func<UsageItem, bool> holds, TimeSpan? olderThan = null) => (Text, _holds, OlderThan) = (text, holds, olderThan);

    public string Text { get; }

    /// <summary>Set for <c>until=DURATION</c>: only what was not used for that long.</summary>
    public TimeSpan? OlderThan { get; }

    /// <param name="duration">Parses the value of until; throws what is told.</param>
    /// <exception cref="KimgException">InvalidArgument.</exception>
    public static UsageFilter Parse(string text, Func<string, TimeSpan> duration)
    {
        int end = text.IndexOfAny(['=', '!', '~']);
        string key = end < 0 ? text : text[..end], rest = end < 0 ? "" : text[end..];
        string sign = s_signs.FirstOrDefault(s => rest.StartsWith(s, StringComparison.Ordinal)) ?? "", value = rest[sign.Length..];
        if (key.Length == 0 || (sign.Length == 0 && rest.Length > 0)) throw Invalid(text, "it is not key=value, key!=value or key~=pattern");
        if (key is "until" or "unused-for") return sign is "=" or "==" ? new UsageFilter(text, _ => true, duration(value)) : throw Invalid(text, "it needs a duration");
        if (key == "inuse") return new UsageFilter(text, Boolean(text, sign, value) is var wanted ? item => item.InUse == wanted : _ => false);
        if (key == "type") return Type(text, sign, value);
        Func<UsageItem, string> field = key switch
        {
            "id" => item => item.Id,
            "description" => item => item.Description,
            "kind" => item => item.Kind,
            "mutable" or "immutable" or "shared" or "private" or "parent" =>
                throw new KimgException(ErrorCode.UnsupportedFeature, $"--filter {key} is not supported: layers here are not records of that kind") { Hint = "use id, type, kind, description, inuse or until" },
            _ => throw Invalid(text, $"unknown key '{key}'"),
        };
        switch (sign)
        {
            case "=" or "==":
                return new UsageFilter(text, item => field(item) == value);
            case "!=":
                return new UsageFilter(text, item => field(item) != value);
            case "~=":
                if (value.AsSpan().ContainsAny(s_beyond)) throw Invalid(text, "of regular expressions only ^ $ . and .* are understood");
                return new UsageFilter(text, item => Contains(field(item), value));
            default:
                return new UsageFilter(text, item => field(item).Length > 0);
        }
    }

    internal bool Holds(UsageItem item) => _holds(item);

    private static UsageFilter Type(string text, string sign, string value)
    {
        if (!s_types.TryGetValue(value, out string[]? kinds)) throw Invalid(text, $"unknown type '{value}'", "types: " + string.Join(", ", s_types.Keys));
        return sign switch
        {
            "=" or "==" => new UsageFilter(text, item => kinds.Contains(item.Kind)),
            "!=" => new UsageFilter(text, item => !kinds.Contains(item.Kind)),
            _ => throw Invalid(text, "type takes = and !="),
        };
    }

    private static bool Boolean(string text, string sign, string value) => (sign, value) switch
    {
        ("", _) or ("=" or "==", "true" or "1") or ("!=", "false" or "0") => true,
        ("=" or "==", "false" or "0") or ("!=", "true" or "1") => false,
        _ => throw Invalid(text, "it is true or false"),
    };

    // Kernighan's matcher, whose star follows anything.
    private static bool Contains(ReadOnlySpan<char> text, ReadOnlySpan<char> pattern)
    {
        if (pattern.StartsWith("^")) return Begins(text, pattern[1..]);
        for (int i = 0; i <= text.Length; i++)
        {
            if (Begins(text[i..], pattern)) return true;
        }

        return false;
    }

    private static bool Begins(ReadOnlySpan<char> text, ReadOnlySpan<char> pattern)
    {
        if (pattern.IsEmpty) return true;
        if (pattern is "$") return text.IsEmpty;
        if (pattern.Length > 1 && pattern[1] == '*')
        {
            for (int i = 0; ; i++)
            {
                if (Begins(text[i..], pattern[2..])) return true;
                if (i == text.Length || (pattern[0] != '.' && pattern[0] != text[i])) return false;
            }
        }

        return !text.IsEmpty && (pattern[0] == '.' || pattern[0] == text[0]) && Begins(text[1..], pattern[1..]);
    }

    private static KimgException Invalid(string text, string why, string? hint = null) => new(ErrorCode.InvalidArgument, $"invalid value '{text}' for --filter: {why}")
    {
        Hint = hint ?? "for example type=exec.cachemount, until=24h, id~=^sha256:ab, inuse=false",
    };
}
