using System.Buffers;
using System.Globalization;
using System.Text;

namespace Kimg.Engine.Dockerfile;

/// <summary>Go's spellings that are visible in an image: durations, quoted strings, lists (package time, strconv and fmt).</summary>
internal static class GoFormat
{
    private static readonly (string Unit, long Nanoseconds)[] s_units =
    [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ];

    public static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>time.ParseDuration, in nanoseconds; null when the text is none.</summary>
    public static long? ParseDuration(string text)
    {
        bool negative = text.StartsWith('-');
        ReadOnlySpan<char> rest = negative || text.StartsWith('+') ? text.AsSpan(1) : text;
        if (rest is "0") return 0;
        if (rest.IsEmpty) return null;
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits is <= 0 or > 25 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
                return null;
            rest = rest[digits..];
            int unitLength = rest.IndexOfAny(NumberCharacters);
            ReadOnlySpan<char> unit = unitLength < 0 ? rest : rest[..unitLength];
            long scale = 0;
            foreach ((string name, long nanoseconds) in s_units)
            {
                if (unit.SequenceEqual(name)) scale = nanoseconds;
            }

            if (scale == 0 || number > long.MaxValue / scale) return null;
            total += decimal.Truncate(number * scale);
            rest = rest[unit.Length..];
        }

        return total > long.MaxValue ? null : negative ? -(long)total : (long)total;
    }

    /// <summary>time.Duration.String: 1h0m5s, 1.5s, 250ms, 0s.</summary>
    public static string Duration(long nanoseconds)
    {
        if (nanoseconds == 0) return "0s";
        string sign = nanoseconds < 0 ? "-" : "";
        decimal value = Math.Abs((decimal)nanoseconds);
        if (value < 1_000) return sign + Number(value) + "ns";
        if (value < 1_000_000) return sign + Number(value / 1_000) + "µs";
        if (value < 1_000_000_000) return sign + Number(value / 1_000_000) + "ms";
        long seconds = (long)(value / 1_000_000_000);
        long hours = seconds / 3600, minutes = seconds / 60 % 60;
        string tail = Number(value / 1_000_000_000 - hours * 3600 - minutes * 60) + "s";
        return sign + (hours > 0 ? $"{hours}h{minutes}m" : minutes > 0 ? $"{minutes}m" : "") + tail;
    }

    /// <summary>fmt's %q of a list of strings.</summary>
    public static string QuotedList(IEnumerable<string> values) => "[" + string.Join(' ', values.Select(Quote)) + "]";

    /// <summary>fmt's %v of a list of strings.</summary>
    public static string List(IEnumerable<string> values) => "[" + string.Join(' ', values) + "]";

    /// <summary>strconv.Quote.</summary>
    public static string Quote(string value)
    {
        var text = new StringBuilder("\"");
        foreach (Rune rune in value.EnumerateRunes())
        {
            text.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\a' => "\\a",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\v' => "\\v",
                _ when IsPrintable(rune) => rune.ToString(),
                < 0x80 => $"\\x{rune.Value:x2}",
                < 0x10000 => $"\\u{rune.Value:x4}",
                _ => $"\\U{rune.Value:x8}",
            });
        }

        return text.Append('"').ToString();
    }

    // strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator);

    private static string Number(decimal value) => value.ToString("0.#########", CultureInfo.InvariantCulture);
}
