namespace Kimg.Engine.Primitives;

/// <summary>A range of a text file: 1-based lines and columns (columns in UTF-16 units), end inclusive of its last line.
/// <see cref="Source"/> is the whole text, so that an excerpt can be shown.</summary>
public sealed record SourceSpan(string File, int StartLine, int StartColumn, int EndLine, int EndColumn)
{
    public SourceText? Source { get; init; }

    public override string ToString() => $"{File}:{StartLine}:{StartColumn}";
}

/// <summary>The text of a file shared by all spans into it. Compares by reference: two reads are two texts.</summary>
public sealed class SourceText(string text)
{
    public string Text { get; } = text;

    private string[]? _lines;

    public IReadOnlyList<string> Lines => _lines ??= Text.ReplaceLineEndings("\n").Split('\n');
}
