using System.Globalization;
using System.Text.RegularExpressions;

namespace Kimg.Cli.Options;

/// <summary>Durations as Go writes them, and with days: <c>30m</c>, <c>24h</c>, <c>7d</c>, <c>1h30m</c>; none at all is <c>0</c>.</summary>
internal static partial class Durations
{
    public static TimeSpan Parse(OptionSource source, string text)
    {
        if (text == "0") return TimeSpan.Zero;
        MatchCollection parts = Part().Matches(text);
        if (parts.Count == 0 || parts.Sum(p => p.Length) != text.Length) throw Invalid(source, text);
        TimeSpan sum = TimeSpan.Zero;
        foreach (Match part in parts)
        {
            bool parsed = double.TryParse(part.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count);
            if (!parsed || count > 100_000_000) throw Invalid(source, text);
            sum += part.Groups[2].Value switch
            {
                "ms" => TimeSpan.FromMilliseconds(count),
                "s" => TimeSpan.FromSeconds(count),
                "m" => TimeSpan.FromMinutes(count),
                "h" => TimeSpan.FromHours(count),
                _ => TimeSpan.FromDays(count),
            };
        }

        return sum;
    }

    private static Kimg.Engine.Primitives.KimgException Invalid(OptionSource source, string text) =>
        source.Invalid($"'{text}' is not a duration", "for example 30m, 24h or 7d");

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(ms|s|m|h|d)")]
    private static partial Regex Part();
}
