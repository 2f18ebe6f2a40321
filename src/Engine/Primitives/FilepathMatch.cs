namespace Kimg.Engine.Primitives;

/// <summary>Go's path/filepath.Match on one path component: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[^a]</c>, <c>\x</c>. COPY and ADD sources use it, component by
/// component, since none of its wildcards matches a slash.</summary>
internal static class FilepathMatch
{
    public static bool HasWildcards(ReadOnlySpan<char> pattern)
    {
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (pattern[i] is '*' or '?' or '[') return true;
        }

        return false;
    }

    /// <summary>A malformed pattern matches nothing, as in BuildKit.</summary>
    public static bool IsMatch(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        // Greedy with one point of return: the last star. Linear in pattern × name.
        int p = 0, n = 0, starPattern = -1, starName = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (starPattern, starName) = (p++, n);
                continue;
            }

            if (p < pattern.Length && MatchOne(pattern, ref p, name[n]) is { } matched)
            {
                if (matched)
                {
                    n++;
                    continue;
                }
            }
            else if (p < pattern.Length)
            {
                return false;
            }

            if (starPattern < 0) return false;
            p = starPattern + 1;
            n = ++starName;
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    // Null: the pattern is malformed. Advances past what it used only when it matched.
    private static bool? MatchOne(ReadOnlySpan<char> pattern, ref int p, char c)
    {
        int at = p;
        switch (pattern[at])
        {
            case '?':
                p = at + 1;
                return true;
            case '[':
                bool? inClass = MatchClass(pattern, ref at, c);
                if (inClass == true) p = at;
                return inClass;
            case '\\':
                if (++at == pattern.Length) return null;
                break;
        }

        if (pattern[at] != c) return false;
        p = at + 1;
        return true;
    }

    private static bool? MatchClass(ReadOnlySpan<char> pattern, ref int at, char c)
    {
        at++;
        bool negated = at < pattern.Length && pattern[at] == '^', matched = false;
        if (negated) at++;
        for (int count = 0; ; count++)
        {
            if (at >= pattern.Length) return null;
            if (pattern[at] == ']' && count > 0) break;
            if (Literal(pattern, ref at) is not { } low) return null;
            char high = low;
            if (at < pattern.Length && pattern[at] == '-')
            {
                at++;
                if (at >= pattern.Length || Literal(pattern, ref at) is not { } end) return null;
                high = end;
            }

            matched |= low <= c && c <= high;
        }

        at++;
        return matched != negated;
    }

    private static char? Literal(ReadOnlySpan<char> pattern, ref int at)
    {
        if (pattern[at] is '-' or ']') return null;
        if (pattern[at] == '\\' && ++at == pattern.Length) return null;
        return pattern[at++];
    }
}
