using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>The hint for a word that is not known.</summary>
internal static class DidYouMean
{
    /// <param name="what">What the known words are, for when none is near: "types".</param>
    public static string Hint(string word, IReadOnlyCollection<string> known, string what) =>
        Suggestion.Nearest(word, known) is { } near ? $"did you mean '{near}'?" : $"{what}: {string.Join(", ", known)}";
}
