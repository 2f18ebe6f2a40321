using System.Globalization;
using System.Text;

namespace Kimg.Ci.Metadata;

/// <summary>JavaScript, whose rules these are, numbers all groups as they open; .NET numbers those with a name after the others.</summary>
internal static class GroupNumbers
{
    /// <summary>The pattern with numbers for names; one without named groups is as it was.</summary>
    public static string AsInJavaScript(string pattern)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        // Twice: references may stand before their groups.
        Rewrite(pattern, numbers);
        return numbers.Count == 0 ? pattern : Rewrite(pattern, numbers);
    }

    private static string Rewrite(string pattern, Dictionary<string, int> numbers)
    {
        var text = new StringBuilder();
        bool inClass = false;
        int count = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\' && ReferenceAt(pattern, i) is { } referred && numbers.TryGetValue(referred, out int number))
            {
                text.Append(CultureInfo.InvariantCulture, $@"\k<{number}>");
                i += referred.Length + 3;
            }
            else if (c == '\\' && i + 1 < pattern.Length) text.Append(c).Append(pattern[++i]);
            else if (c == '(' && !inClass && NameAt(pattern, i) is { } name)
            {
                if (name.Length > 0) numbers[name] = count + 1;
                text.Append(CultureInfo.InvariantCulture, $"(?<{++count}>");
                i += name.Length == 0 ? 0 : name.Length + 3;
            }
            else
            {
                if (c is '[' or ']') inClass = c == '[' || (inClass && c != ']');
                text.Append(c);
            }
        }

        return text.ToString();
    }

    /// <returns>NAME of \k&lt;NAME&gt;, or null.</returns>
    private static string? ReferenceAt(string pattern, int escape) =>
        string.CompareOrdinal(pattern, escape, @"\k<", 0, 3) == 0 && pattern.IndexOf('>', escape) is > 0 and var close ? pattern[(escape + 3)..close] : null;

    /// <returns>The name of the group that opens here, "" for one without, null when nothing is captured.</returns>
    private static string? NameAt(string pattern, int open)
    {
        if (open + 1 >= pattern.Length || pattern[open + 1] != '?') return "";
        if (open + 3 >= pattern.Length || pattern[open + 2] != '<' || pattern[open + 3] is '=' or '!') return null;
        int close = pattern.IndexOf('>', open);
        return close < 0 ? null : pattern[(open + 3)..close];
    }
}
