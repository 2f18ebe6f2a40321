using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>A pattern of <c>${name#…}</c>, <c>${name%…}</c> and <c>${name/…}</c>: <c>*</c> any characters, <c>?</c> one, backslash takes the next
/// of <c>* ? \</c> literally; neither wildcard matches a line feed. Works on code points.</summary>
internal sealed class ShellPattern
{
    private const int AnyOne = -1;

    private readonly List<int[]> _segments = [];
    private readonly LoweringBudget _budget;
    private readonly SourceSpan? _span;

    private ShellPattern(LoweringBudget budget, SourceSpan? span) => (_budget, _span) = (budget, span);

    /// <exception cref="KimgException">InvalidExpansion: a backslash before another character, or at the end.</exception>
    public static ShellPattern Parse(string text, LoweringBudget budget, SourceSpan? span)
    {
        var pattern = new ShellPattern(budget, span);
        var segment = new List<int>();
        int[] runes = Runes(text);
        for (int i = 0; i < runes.Length; i++)
        {
            switch (runes[i])
            {
                case '*':
                    pattern._segments.Add([.. segment]);
                    segment.Clear();
                    break;
                case '?':
                    segment.Add(AnyOne);
                    break;
                case '\\' when i + 1 < runes.Length && runes[i + 1] is '}' or '/':
                    break;
                case '\\' when i + 1 < runes.Length && runes[i + 1] is '*' or '?' or '\\':
                    segment.Add(runes[++i]);
                    break;
                case '\\':
                    throw new KimgException(ErrorCode.InvalidExpansion, $"invalid escape in the pattern '{text}'")
                    {
                        Hint = @"a backslash in a pattern stands before *, ?, \, / or }", Span = span,
                    };
                default:
                    segment.Add(runes[i]);
                    break;
            }
        }

        pattern._segments.Add([.. segment]);
        return pattern;
    }

    /// <summary>Length of the prefix that matches, longest or shortest; null when none does.</summary>
    private int? Prefix(ReadOnlySpan<int> value, int start, bool greedy)
    {
        int at = start;
        if (!MatchesAt(value, at, _segments[0])) return null;
        at += _segments[0].Length;
        for (int i = 1; i < _segments.Count; i++)
        {
            int[] segment = _segments[i];
            int lineEnd = value[at..].IndexOf('\n') is var feed and >= 0 ? at + feed : value.Length;
            if (greedy && i == _segments.Count - 1)
            {
                int last = lineEnd;
                while (last >= at && !MatchesAt(value, last, segment)) last--;
                if (last < at) return null;
                at = last + segment.Length;
            }
            else
            {
                while (at <= lineEnd && !MatchesAt(value, at, segment)) at++;
                if (at > lineEnd) return null;
                at += segment.Length;
            }
        }

        return at - start;
    }

    public string RemovePrefix(string value, bool greedy)
    {
        int[] runes = Runes(value);
        return Prefix(runes, 0, greedy) is { } length ? Text(runes.AsSpan(length)) : value;
    }

    /// <summary>As <see cref="RemovePrefix"/> from the other end: the pattern must have been parsed from <see cref="Reverse"/>d text.</summary>
    public string RemoveSuffix(string value, bool greedy)
    {
        int[] runes = Runes(value);
        Array.Reverse(runes);
        if (Prefix(runes, 0, greedy) is not { } length) return value;
        Span<int> rest = runes.AsSpan(length);
        rest.Reverse();
        return Text(rest);
    }

    public string ReplaceFirst(string value, string replacement)
    {
        int[] runes = Runes(value);
        return Find(runes, 0) is var (start, length)
            ? Text(runes.AsSpan(0, start)) + replacement + Text(runes.AsSpan(start + length))
            : value;
    }

    /// <summary>Replaces every match; in the replacement <c>$0</c> is the match, any other <c>$name</c> is empty and <c>$$</c> a dollar sign, as
    /// the regular expressions of the reference have it.</summary>
    public string ReplaceAll(string value, string replacement)
    {
        int[] runes = Runes(value);
        var result = new StringBuilder();
        int copied = 0;
        for (int search = 0; search <= runes.Length;)
        {
            if (Find(runes, search) is not var (start, length)) break;
            result.Append(Text(runes.AsSpan(copied, start - copied)));
            int end = start + length;
            if (end > copied || start == 0) AppendReplacement(result, replacement, Text(runes.AsSpan(start, length)));
            copied = end;
            search = Math.Max(search + 1, end);
            _budget.CheckWord(result.Length, _span);
        }

        return result.Append(Text(runes.AsSpan(copied))).ToString();
    }

    /// <summary>The pattern back to front, escapes kept before what they escape.</summary>
    public static string Reverse(string pattern)
    {
        int[] runes = Runes(pattern), reversed = new int[runes.Length];
        for (int i = 0; i < runes.Length; i++)
        {
            int to = runes.Length - 1 - i;
            if (runes[i] == '\\' && i + 1 < runes.Length)
            {
                reversed[to - 1] = '\\';
                reversed[to] = runes[++i];
            }
            else
            {
                reversed[to] = runes[i];
            }
        }

        return Text(reversed);
    }

    private (int Start, int Length)? Find(ReadOnlySpan<int> value, int from)
    {
        for (int start = from; start <= value.Length; start++)
        {
            if (Prefix(value, start, greedy: true) is { } length) return (start, length);
        }

        return null;
    }

    private bool MatchesAt(ReadOnlySpan<int> value, int at, int[] segment)
    {
        _budget.TakeSteps(1, _span);
        if (segment.Length > value.Length - at) return false;
        for (int i = 0; i < segment.Length; i++)
        {
            if (segment[i] == AnyOne ? value[at + i] == '\n' : value[at + i] != segment[i])
            {
                _budget.TakeSteps(i, _span);
                return false;
            }
        }

        return true;
    }

    private static void AppendReplacement(StringBuilder result, string replacement, string match)
    {
        for (int i = 0; i < replacement.Length; i++)
        {
            if (replacement[i] != '$' || i + 1 == replacement.Length)
            {
                result.Append(replacement[i]);
                continue;
            }

            bool braced = replacement[i + 1] == '{';
            int start = i + (braced ? 2 : 1), end = start;
            while (end < replacement.Length && (char.IsLetterOrDigit(replacement[end]) || replacement[end] == '_')) end++;
            if (replacement[i + 1] == '$')
            {
                result.Append('$');
                i++;
            }
            else if (end == start || (braced && (end == replacement.Length || replacement[end] != '}')))
            {
                result.Append('$');
            }
            else
            {
                if (replacement.AsSpan(start, end - start) is "0") result.Append(match);
                i = braced ? end : end - 1;
            }
        }
    }

    private static int[] Runes(string text) => [.. text.EnumerateRunes().Select(r => r.Value)];

    private static string Text(ReadOnlySpan<int> runes)
    {
        var text = new StringBuilder(runes.Length);
        foreach (int rune in runes) text.Append(new Rune(rune).ToString());
        return text.ToString();
    }
}
