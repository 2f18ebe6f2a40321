using System.Diagnostics.CodeAnalysis;

namespace Kimg.Engine.Primitives;

/// <summary>A compiled glob. <c>*</c> and <c>?</c> match within one path part, <c>[…]</c> one character of a class, a backslash takes the next
/// character literally; with globstar, <c>**/</c> matches any number of parts, also none, and <c>**</c> at the end everything. Matching takes time
/// in proportion to pattern times path.</summary>
internal sealed class GlobPattern
{
    private enum Kind
    {
        Literal,
        One,
        Star,
        Class,
        EnterDirectories,
        Directories,
        Rest,
    }

    /// <summary>What most patterns are; these are matched by comparing strings.</summary>
    private enum Shape
    {
        /// <summary><c>a/b</c></summary>
        Exact,

        /// <summary><c>a/b/**</c></summary>
        Below,

        /// <summary><c>**/a</c></summary>
        Anywhere,

        /// <summary><c>**/*.a</c></summary>
        AnywhereEnding,

        /// <summary><c>*.a</c></summary>
        Ending,

        Other,
    }

    private readonly record struct Token(Kind Kind, char Value, CharClass? Class);

    private readonly Token[] _tokens;
    private readonly string _prefix, _suffix;
    private readonly Shape _shape;

    private GlobPattern(List<Token> tokens)
    {
        _tokens = [.. tokens];
        _prefix = string.Concat(tokens.TakeWhile(t => t.Kind == Kind.Literal).Select(t => t.Value));
        _suffix = string.Concat(tokens.AsEnumerable().Reverse().TakeWhile(t => t.Kind == Kind.Literal).Select(t => t.Value).Reverse());
        int others = tokens.Count - _suffix.Length;
        bool oneName = !_suffix.Contains('/', StringComparison.Ordinal);
        _shape = tokens.Take(others).Select(t => t.Kind).ToArray() switch
        {
            [] => Shape.Exact,
            [.., Kind.Rest] when _prefix.Length == tokens.Count - 1 => Shape.Below,
            [Kind.EnterDirectories, Kind.Directories] => Shape.Anywhere,
            [Kind.EnterDirectories, Kind.Directories, Kind.Star] when oneName => Shape.AnywhereEnding,
            [Kind.Star] when oneName => Shape.Ending,
            _ => Shape.Other,
        };
    }

    /// <summary>True when the text is more than the name of one thing.</summary>
    public static bool HasWildcards(ReadOnlySpan<char> pattern)
    {
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (pattern[i] is '*' or '?' or '[') return true;
        }

        return false;
    }

    /// <summary>False when the pattern is malformed: an open or empty class, a range without end, a backslash at the end.</summary>
    public static bool TryParse(string text, bool globstar, [NotNullWhen(true)] out GlobPattern? pattern)
    {
        pattern = null;
        var tokens = new List<Token>();
        for (int i = 0; i < text.Length;)
        {
            char c = text[i++];
            switch (c)
            {
                case '*' when globstar && i < text.Length && text[i] == '*':
                    i++;
                    if (i < text.Length && text[i] == '/') i++;
                    if (i < text.Length) tokens.Add(new Token(Kind.EnterDirectories, default, null));
                    tokens.Add(new Token(i == text.Length ? Kind.Rest : Kind.Directories, default, null));
                    break;
                case '*':
                    if (tokens.Count == 0 || tokens[^1].Kind != Kind.Star) tokens.Add(new Token(Kind.Star, default, null));
                    break;
                case '?':
                    tokens.Add(new Token(Kind.One, default, null));
                    break;
                case '[':
                    if (CharClass.TryParse(text, ref i) is not { } characters) return false;
                    tokens.Add(new Token(Kind.Class, default, characters));
                    break;
                case '\\' when i == text.Length:
                    return false;
                case '\\':
                    tokens.Add(new Token(Kind.Literal, text[i++], null));
                    break;
                default:
                    tokens.Add(new Token(Kind.Literal, c, null));
                    break;
            }
        }

        pattern = new GlobPattern(tokens);
        return true;
    }

    public bool IsMatch(ReadOnlySpan<char> path)
    {
        switch (_shape)
        {
            case Shape.Exact:
                return path.SequenceEqual(_prefix);
            case Shape.Below:
                return path.StartsWith(_prefix);
            case Shape.AnywhereEnding:
                return path.EndsWith(_suffix);
            case Shape.Ending:
                return path.EndsWith(_suffix) && !path.Contains('/');
            case Shape.Anywhere:
                return path.EndsWith(_suffix) && (path.Length == _suffix.Length || path[^(_suffix.Length + 1)] == '/');
            default:
                return path.StartsWith(_prefix) && path.EndsWith(_suffix) && Simulate(path);
        }
    }

    /// <summary>As <see cref="IsMatch"/>, for any pattern: a set of states, advanced one character at a time; state i: tokens before i are matched.</summary>
    internal bool Simulate(ReadOnlySpan<char> path)
    {
        int count = _tokens.Length + 1;
        Span<bool> states = count <= 256 ? stackalloc bool[count] : new bool[count];
        Span<bool> next = count <= 256 ? stackalloc bool[count] : new bool[count];
        states.Clear();
        states[0] = true;
        SkipEmpty(states);
        foreach (char c in path)
        {
            next.Clear();
            bool any = false;
            for (int i = 0; i < _tokens.Length; i++)
            {
                if (!states[i]) continue;
                Token token = _tokens[i];
                (bool stays, bool advances) = token.Kind switch
                {
                    Kind.Literal => (false, c == token.Value),
                    Kind.One => (false, c != '/'),
                    Kind.Star => (c != '/', false),
                    Kind.Class => (false, token.Class!.Contains(c)),
                    Kind.Directories => (true, c == '/'),
                    Kind.Rest => (true, false),
                    _ => (false, false),
                };
                if (token.Kind == Kind.One && char.IsHighSurrogate(c)) (stays, advances) = (true, false);
                any |= stays || advances;
                next[i] |= stays;
                next[i + 1] |= advances;
            }

            if (!any) return false;
            SkipEmpty(next);
            Span<bool> swap = states;
            states = next;
            next = swap;
        }

        return states[^1];
    }

    // What may match nothing: Star, Rest, and the optional group EnterDirectories opens.
    private void SkipEmpty(Span<bool> states)
    {
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (!states[i]) continue;
            if (_tokens[i].Kind is Kind.Star or Kind.Rest or Kind.EnterDirectories) states[i + 1] = true;
            if (_tokens[i].Kind == Kind.EnterDirectories) states[i + 2] = true;
        }
    }

    /// <summary>A bracket expression: single characters and ranges, negated with <c>^</c>.</summary>
    private sealed class CharClass(bool negated, List<(char Low, char High)> ranges)
    {
        public bool Contains(char c)
        {
            foreach ((char low, char high) in ranges)
            {
                if (c >= low && c <= high) return !negated;
            }

            return negated;
        }

        /// <summary>Reads behind the opening bracket; null when malformed.</summary>
        public static CharClass? TryParse(string text, ref int at)
        {
            var ranges = new List<(char, char)>();
            bool negated = at < text.Length && text[at] == '^';
            if (negated) at++;
            while (at < text.Length && (text[at] != ']' || ranges.Count == 0))
            {
                if (Character(text, ref at) is not { } low) return null;
                char high = low;
                if (at < text.Length && text[at] == '-')
                {
                    at++;
                    if (Character(text, ref at) is not { } end) return null;
                    high = end;
                }

                ranges.Add((low, high));
            }

            return at++ < text.Length ? new CharClass(negated, ranges) : null;
        }

        private static char? Character(string text, ref int at)
        {
            if (at == text.Length || text[at] is '-' or ']') return null;
            if (text[at] == '\\' && ++at == text.Length) return null;
            return text[at++];
        }
    }
}
