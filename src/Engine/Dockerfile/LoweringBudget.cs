using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Bounds what a hostile Dockerfile can make of few lines: variables that double themselves, patterns that backtrack, port ranges in
/// every line.</summary>
internal sealed class LoweringBudget
{
    /// <summary>Characters that expansion and history may produce together.</summary>
    public const long MaxCharacters = 256L << 20;

    /// <summary>Characters one word may expand to.</summary>
    public const int MaxWord = 4 << 20;

    private const long MaxSteps = 200_000_000;

    /// <summary>Ports that all EXPOSE may name together.</summary>
    private const int MaxPorts = 1 << 20;

    private long _characters, _steps;
    private int _ports;

    public void TakePorts(int count, SourceSpan? span)
    {
        _ports += count;
        if (_ports > MaxPorts) throw TooLarge($"EXPOSE names more than {MaxPorts} ports", span);
    }

    public void TakeCharacters(long count, SourceSpan? span)
    {
        _characters += count;
        if (_characters > MaxCharacters) throw TooLarge($"the Dockerfile expands to more than {MaxCharacters >> 20} MiB of text", span);
    }

    public void CheckWord(int length, SourceSpan? span)
    {
        if (length > MaxWord) throw TooLarge($"a word expands to more than {MaxWord >> 20} MiB", span);
    }

    public void TakeSteps(long count, SourceSpan? span)
    {
        _steps += count;
        if (_steps > MaxSteps) throw TooLarge("the patterns of ${name#…}, ${name%…} and ${name/…} take too long to match", span);
    }

    private static KimgException TooLarge(string message, SourceSpan? span) => new(ErrorCode.InvalidExpansion, message)
    {
        Hint = "put large content into a file and COPY it", Span = span,
    };
}
