using System.Globalization;
using System.Text;

namespace Kimg.Cli.Progress;

/// <summary>Columns of a terminal: two for East Asian wide characters and emoji, none for combining marks (Unicode UAX #11, by blocks).</summary>
internal static class DisplayWidth
{
    private static readonly (int First, int Last)[] s_wide =
    [
        (0x1100, 0x115F), (0x231A, 0x231B), (0x23E9, 0x23EC), (0x2614, 0x2615), (0x2648, 0x2653), (0x26AA, 0x26AB), (0x26BD, 0x26BE), (0x26C4, 0x26C5),
        (0x2705, 0x2705), (0x270A, 0x270B), (0x2728, 0x2728), (0x274C, 0x274C), (0x2753, 0x2755), (0x2795, 0x2797), (0x2B1B, 0x2B1C), (0x2B50, 0x2B50),
        (0x2E80, 0x303E), (0x3041, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA960, 0xA97F), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
        (0xFE30, 0xFE6F), (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F7E0, 0x1F7EB), (0x1F900, 0x1F9FF),
        (0x1FA70, 0x1FAFF), (0x20000, 0x3FFFD),
    ];

    public static int Of(Rune rune)
    {
        if (rune.Value is < 0x20 or >= 0x7F and < 0xA0) return 0;
        if (rune.Value < 0x300) return 1;
        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format) return 0;
        foreach ((int first, int last) in s_wide)
        {
            if (rune.Value < first) return 1;
            if (rune.Value <= last) return 2;
        }

        return 1;
    }

    public static int Of(string text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes()) width += Of(rune);
        return width;
    }

    /// <summary>The text in exactly <paramref name="width"/> columns: cut (with an ellipsis) or filled with blanks.</summary>
    public static string Fit(string text, int width)
    {
        if (width <= 0) return "";
        int total = Of(text);
        if (total <= width) return text + new string(' ', width - total);
        var cut = new StringBuilder();
        int used = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int columns = Of(rune);
            if (used + columns > width - 1) break;
            cut.Append(rune.ToString());
            used += columns;
        }

        return cut.Append('…').Append(' ', width - 1 - used).ToString();
    }
}
