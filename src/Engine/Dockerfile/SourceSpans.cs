using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

internal static class SourceSpans
{
    /// <summary>The first place in <paramref name="within"/> where the word stands, or <paramref name="within"/> itself.</summary>
    public static SourceSpan Locate(SourceSpan within, string word)
    {
        if (within.Source is not { } source || word.Length == 0) return within;
        for (int line = within.StartLine; line <= within.EndLine && line <= source.Lines.Count; line++)
        {
            int from = line == within.StartLine ? Math.Min(within.StartColumn - 1, source.Lines[line - 1].Length) : 0;
            int at = source.Lines[line - 1].IndexOf(word, from, StringComparison.Ordinal);
            if (at >= 0) return within with { StartLine = line, StartColumn = at + 1, EndLine = line, EndColumn = at + word.Length };
        }

        return within;
    }

    /// <summary>A name, platform or digest that is wrong in the Dockerfile is an error of the Dockerfile, not of the command line.</summary>
    public static ErrorCode InDockerfile(ErrorCode code) =>
        code is ErrorCode.InvalidPlatform or ErrorCode.InvalidReference or ErrorCode.InvalidDigest ? ErrorCode.InvalidInstruction : code;
}
