using System.Collections.Immutable;

namespace Kimg.Engine.Primitives;

/// <summary>placeholder</summary>
public sealed class PatternMatcher
{
    public bool HasExclusions => true;
    public static PatternMatcher Create(ImmutableArray<string> patterns) => new();
    public bool MatchesOrParentMatches(string path) => path.Length < 0;
}
