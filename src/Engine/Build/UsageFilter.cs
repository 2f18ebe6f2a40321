using System.Buffers;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>One --filter of du and prune, as BuildKit's: <c>key=value</c>, <c>key!=value</c>, <c>key~=pattern</c>, or a key alone. All filters of a request
/// must hold.</summary>
public sealed class UsageFilter
{
    // BuildKit's types of records; nothing here is of the second kind.
    private static readonly string[] s_types = ["regular", "frontend", "source.git.checkout", "source.local", "exec.cachemount", "internal"];

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
        // Everything holds "": --filter id=$ID with a variable that is not set would empty the state directory.
        if (sign.Length > 0 && (value.Length == 0 || (sign == "~=" && value is "^" or "$"))) throw Invalid(text, "there is no value", "is a variable not set? for all, leave the filter out");
        if (key is "until" or "unused-for") return sign is "=" or "==" ? new UsageFilter(text, _ => true, duration(value)) : throw Invalid(text, "it needs a duration");
        Func<UsageItem, bool>? property = key switch
        {
            "inuse" => item => item.InUse,
            "shared" => item => item.Shared,
            "private" => item => !item.Shared,
            "mutable" => IsMutable,
            "immutable" => item => !IsMutable(item),
            _ => null,
        };
        if (property is not null) return new UsageFilter(text, Boolean(text, sign, value) is var wanted ? item => property(item) == wanted : property);
        Func<UsageItem, string> field = key switch
        {
            "id" => item => item.Id,
            "description" => item => item.Description,
            "kind" => item => item.Kind,
            "type" => TypeOf,
            // Each thing stands for itself here: a snapshot is a whole tree, not what was added to another.
            "parents" or "parent" => _ => "",
            _ => throw Invalid(text, $"unknown key '{key}'"),
        };
        if (key == "type" && sign is "=" or "==" or "!=" && !s_types.Contains(value)) throw Invalid(text, $"unknown type '{value}'", "types: " + string.Join(", ", s_types));
        return sign switch
        {
            // As with buildx, a part of an ID will do.
            "=" or "==" when key == "id" => new UsageFilter(text, item => item.Id.Contains(value, StringComparison.Ordinal)),
            "=" or "==" => new UsageFilter(text, item => field(item) == value),
            "!=" => new UsageFilter(text, item => field(item) != value),
            "~=" when value.AsSpan().ContainsAny(s_beyond) => throw Invalid(text, "of regular expressions only ^ $ . and .* are understood"),
            "~=" => new UsageFilter(text, item => Contains(field(item), value)),
            _ => new UsageFilter(text, item => field(item).Length > 0),
        };
    }

    internal bool Holds(UsageItem item) => _holds(item);

    private static string TypeOf(UsageItem item) => item.Kind switch
    {
        "snapshot" or "blob" or "tar" => "regular",
        "cache mount" => "exec.cachemount",
        "context" => "source.local",
        "git repository" => "source.git.checkout",
        _ => "internal",
    };

    // What later builds write into. Everything else is what it was when it was made.
    private static bool IsMutable(UsageItem item) => item.Kind is "cache mount" or "context" or "git repository";

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
