using System.Buffers;
using System.Text;

namespace Kimg.Cli.Progress;

/// <summary>Text of steps is hostile: it may move the cursor, retitle the window, fake other lines or answer queries. Colours (SGR) may stay,
/// everything else that a terminal would act on goes.</summary>
internal static class OutputSanitizer
{
    private static readonly SearchValues<char> s_parameters = SearchValues.Create("0123456789;:");

    private const char Escape = '\u001b';

    /// <summary>One line of output. With <paramref name="colours"/> SGR sequences stay and are switched off at the end.</summary>
    public static string Line(string text, bool colours)
    {
        if (!NeedsWork(text)) return text;
        var clean = new StringBuilder(text.Length);
        bool coloured = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == Escape)
            {
                int end = EndOfSequence(text, i);
                if (colours && IsColour(text, i, end))
                {
                    clean.Append(text, i, end - i + 1);
                    coloured = true;
                }

                i = end;
            }
            else if (c == '\u009b') i = EndOfParameters(text, i + 1);
            else if (c == '\t') clean.Append(' ', 8 - (clean.Length % 8));
            else if (c == '\b' && clean.Length > 0 && !coloured) clean.Length--;
            else if (!IsUnsafe(c)) clean.Append(c);
        }

        return coloured ? clean.Append("\u001b[0m").ToString() : clean.ToString();
    }

    /// <summary>Several lines, each made harmless.</summary>
    public static string Lines(string text) => string.Join('\n', text.Split('\n').Select(line => Line(line, colours: false)));

    public static string OneLine(string text) => Line(text.ReplaceLineEndings(" "), colours: false);

    private static bool NeedsWork(string text)
    {
        foreach (char c in text)
        {
            if (c == '\t' || IsUnsafe(c)) return true;
        }

        return false;
    }

    // C0, DEL, C1; and the controls that reorder text (Trojan source).
    private static bool IsUnsafe(char c) => c < ' ' || c is >= '\u007f' and <= '\u009f' or >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069';

    // Returns the index of the last character of the sequence (ECMA-48).
    private static int EndOfSequence(string text, int escape)
    {
        int i = escape + 1;
        if (i >= text.Length) return escape;
        switch (text[i])
        {
            case '[':
                return EndOfParameters(text, i + 1);
            case ']' or 'P' or '^' or '_' or 'X':
                for (int j = i + 1; j < text.Length; j++)
                {
                    if (text[j] is '\a' or '\u009c') return j;
                    if (text[j] == Escape) return j + 1 < text.Length && text[j + 1] == '\\' ? j + 1 : j - 1;
                }

                return text.Length - 1;
            default:
                while (i < text.Length - 1 && text[i] is >= ' ' and <= '/') i++;
                return i;
        }
    }

    private static int EndOfParameters(string text, int start)
    {
        int i = start;
        while (i < text.Length && text[i] is >= ' ' and <= '?') i++;
        return Math.Min(i, text.Length - 1);
    }

    private static bool IsColour(string text, int start, int end) =>
        end > start + 1 && text[start + 1] == '[' && text[end] == 'm'
        && text.AsSpan(start + 2, end - start - 2).IndexOfAnyExcept(s_parameters) < 0;
}
