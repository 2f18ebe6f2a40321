using System.Globalization;

namespace Kimg.Engine.Dockerfile;

/// <summary>The words that open a here-document: <c>[fd]&lt;&lt;[-]NAME</c>, the name quoted or not.</summary>
internal static class HeredocWord
{
    /// <summary>The here-documents a line opens, in order. A line whose quotes do not match opens none.</summary>
    public static IEnumerable<Heredoc> FindAll(string line) =>
        Words(line, rawQuotes: true, rawEscapes: true).Select(TryParse).OfType<Heredoc>();

    /// <summary>The here-document a single word opens, content empty; null when it opens none.</summary>
    public static Heredoc? TryParse(string word)
    {
        int digits = 0;
        while (digits < word.Length && char.IsAsciiDigit(word[digits])) digits++;
        if (!word.AsSpan(digits).StartsWith("<<")) return null;
        string rest = word[(digits + 2)..];
        bool chomp = rest.StartsWith('-');
        if (chomp) rest = rest[1..];
        rest = rest.TrimStart(' ', '\t', '\n', '\f', '\r');
        if (rest.Length == 0 || rest.Contains('<')) return null;
        List<string> names = Words(rest, rawQuotes: false, rawEscapes: false), raw = Words(rest, rawQuotes: true, rawEscapes: false);
        if (names.Count != 1 || raw.Count != 1) return null;
        int descriptor = int.TryParse(word.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out int fd) ? fd : 0;
        return new Heredoc(names[0], descriptor, Expand: Quotes(names[0]) == Quotes(raw[0]), chomp, "");
    }

    private static int Quotes(string text) => text.Count(c => c is '\'' or '"');

    private static List<string> Words(string text, bool rawQuotes, bool rawEscapes)
    {
        var expander = new WordExpander('\\', EmptyVariables.Instance, new LoweringBudget())
        {
            RawQuotes = rawQuotes, RawEscapes = rawEscapes, KeepUnset = true,
        };
        return expander.TrySplit(text);
    }
}
