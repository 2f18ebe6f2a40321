using System.Collections.Immutable;

namespace Kimg.Engine.Primitives;

/// <summary>Ignore patterns with the semantics of moby/patternmatcher: .dockerignore, COPY --exclude and --parents, and the lint rule about ignored
/// files. The last pattern that matches a path or one of its parents decides; <c>!</c> takes a path back. Immutable and thread-safe.</summary>
public sealed class PatternMatcher
{
    private readonly ImmutableArray<Entry> _entries;

    private PatternMatcher(ImmutableArray<Entry> entries)
    {
        _entries = entries;
        HasExclusions = entries.Any(e => e.IsExclusion);
    }

    /// <summary>True when a pattern starts with <c>!</c>.</summary>
    public bool HasExclusions { get; }

    public bool IsEmpty => _entries.IsEmpty;

    /// <summary>Compiles patterns, in order. Blank ones are left out.</summary>
    /// <exception cref="KimgException">InvalidIgnoreFile: a malformed pattern, or <c>!</c> alone.</exception>
    public static PatternMatcher Create(IEnumerable<string> patterns)
    {
        var entries = ImmutableArray.CreateBuilder<Entry>();
        foreach (string pattern in patterns)
        {
            string text = pattern.Trim();
            if (text.Length == 0) continue;
            text = LexicalPath.Clean(text);
            bool exclusion = text[0] == '!';
            if (exclusion) text = text[1..];
            if (text.Length == 0 || !GlobPattern.TryParse(text, globstar: false, out _) || !GlobPattern.TryParse(text, globstar: true, out GlobPattern? glob))
            {
                throw new KimgException(ErrorCode.InvalidIgnoreFile, $"malformed pattern '{pattern.Trim()}'")
                {
                    Hint = "check brackets and backslashes; '!' needs a path behind it",
                };
            }

            entries.Add(new Entry(text, exclusion, glob));
        }

        return new PatternMatcher(entries.ToImmutable());
    }

    /// <summary>The patterns of an ignore file: comments and blank lines left out, paths cleaned, leading slashes removed.</summary>
    public static ImmutableArray<string> ReadIgnoreFile(string text)
    {
        var patterns = ImmutableArray.CreateBuilder<string>();
        foreach (ReadOnlySpan<char> line in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            if (line.StartsWith("#")) continue;
            string pattern = line.Trim().ToString();
            if (pattern.Length == 0) continue;
            bool exclusion = pattern[0] == '!';
            if (exclusion) pattern = pattern[1..].Trim();
            if (pattern.Length > 0) pattern = LexicalPath.Clean(pattern);
            if (pattern.Length > 1 && pattern[0] == '/') pattern = pattern[1..];
            patterns.Add(exclusion ? "!" + pattern : pattern);
        }

        return patterns.ToImmutable();
    }

    /// <summary>True when the patterns match this path (relative, clean, <c>/</c>-separated) or a directory above it.</summary>
    public bool MatchesOrParentMatches(string path)
    {
        bool matched = false;
        foreach (Entry entry in _entries)
        {
            if (entry.IsExclusion == matched && entry.MatchesPathOrParent(path)) matched = !entry.IsExclusion;
        }

        return matched;
    }

    /// <summary>As <see cref="MatchesOrParentMatches"/> for a tree that is walked from the top: <paramref name="parent"/> is what this method gave for the
    /// directory the path is in (default for entries of the root), <paramref name="state"/> what its own entries need.</summary>
    public bool Matches(ReadOnlySpan<char> path, PatternState parent, out PatternState state)
    {
        var flags = new bool[_entries.Length];
        state = new PatternState(flags);
        return Matches(path, parent, flags);
    }

    /// <summary>The same for what has nothing below it.</summary>
    public bool Matches(ReadOnlySpan<char> path, PatternState parent) => Matches(path, parent, default(Span<bool>));

    private bool Matches(ReadOnlySpan<char> path, PatternState parent, Span<bool> flags)
    {
        bool matched = false;
        for (int i = 0; i < _entries.Length; i++)
        {
            Entry entry = _entries[i];
            bool match = parent.Flags is { } above && above[i];
            if (!match)
            {
                if (entry.IsExclusion != matched) continue;
                match = parent.Flags is null ? entry.MatchesPathOrParent(path) : entry.Matches(path);
            }

            if (!flags.IsEmpty) flags[i] = match;
            if (match) matched = !entry.IsExclusion;
        }

        return matched;
    }

    /// <summary>False when nothing below this directory can be taken back by a <c>!</c> pattern, so an ignored directory need not be walked.</summary>
    public bool MayIncludeBelow(ReadOnlySpan<char> directory) => MayConcern(directory, exclusions: true);

    /// <summary>False when no pattern (but those with <c>!</c>) can match anything below this directory, which none matches itself.</summary>
    public bool MayMatchBelow(ReadOnlySpan<char> directory) => MayConcern(directory, exclusions: false);

    private bool MayConcern(ReadOnlySpan<char> directory, bool exclusions)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.IsExclusion == exclusions && entry.MayMatchBelow(directory)) return true;
        }

        return false;
    }

    private sealed class Entry
    {
        private readonly GlobPattern _glob;
        private readonly string? _prefix, _suffix;

        public Entry(string text, bool isExclusion, GlobPattern glob)
        {
            (IsExclusion, _glob) = (isExclusion, glob);
            int wildcard = text.AsSpan().IndexOfAny("*?[\\");
            Literal = wildcard < 0 ? text + "/" : text[..wildcard];
            // Quirks of the reference: "a**" is a bare prefix and "**a" a bare suffix, wherever in a name they fall.
            if (IsPlain(text.AsSpan(text.StartsWith("**", StringComparison.Ordinal) ? 2 : text.Length))) _suffix = text[2..];
            else if (text.EndsWith("**", StringComparison.Ordinal) && IsPlain(text.AsSpan(0, text.Length - 2))) _prefix = text[..^2];
        }

        // Up to the first wildcard; ends with a slash where there is none.
        private string Literal { get; }

        public bool IsExclusion { get; }

        public bool Matches(ReadOnlySpan<char> path)
        {
            if (_prefix is not null) return path.StartsWith(_prefix);
            if (_suffix is not null) return path.EndsWith(_suffix) || (_suffix.StartsWith('/') && path.SequenceEqual(_suffix.AsSpan(1)));
            return _glob.IsMatch(path);
        }

        /// <summary>False when nothing below the directory can match.</summary>
        public bool MayMatchBelow(ReadOnlySpan<char> directory)
        {
            ReadOnlySpan<char> literal = Literal;
            return literal.Length > directory.Length
                ? literal.StartsWith(directory) && literal[directory.Length] == '/'
                : directory.StartsWith(literal);
        }

        public bool MatchesPathOrParent(ReadOnlySpan<char> path)
        {
            for (ReadOnlySpan<char> at = path; ;)
            {
                if (Matches(at)) return true;
                int slash = at.LastIndexOf('/');
                if (slash < 0) return false;
                at = at[..slash];
            }
        }

        private static bool IsPlain(ReadOnlySpan<char> text) => !text.IsEmpty && text.IndexOfAny("*?[]\\") < 0;
    }
}

/// <summary>Which patterns matched a directory; see PatternMatcher.Matches.</summary>
public readonly struct PatternState
{
    internal PatternState(bool[] flags) => Flags = flags;

    internal bool[]? Flags { get; }
}
