using System.Globalization;
using System.Text.RegularExpressions;

namespace Kimg.Cli.Options;

/// <summary>Durations as Go programs take them: <c>1h30m</c>, <c>336h</c>.</summary>
internal static partial class GoDuration
{
    public static TimeSpan Parse(string spelling, string text)
    {
        if (!Pattern().IsMatch(text)) throw new OptionSource(spelling, text).Invalid("it is not a duration", "for example 6h or 1h30m");
        double seconds = 0;
        foreach (Match part in Part().Matches(text))
        {
            seconds += double.Parse(part.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * part.Groups[2].Value switch
            {
                "h" => 3600,
                "m" => 60,
                "s" => 1,
                _ => 0.001,
            };
        }

        return TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2));
    }

    [GeneratedRegex(@"^(\d+(\.\d+)?(h|ms|m|s))+\z")]
    private static partial Regex Pattern();

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(h|ms|m|s)")]
    private static partial Regex Part();
}
