using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>Dates in moment.js' format, which tag rules use.</summary>
internal static partial class DateText
{
    /// <param name="zone">IANA name; null: UTC.</param>
    public static string Format(DateTimeOffset date, string format, string? zone)
    {
        DateTimeOffset local = TimeZoneInfo.ConvertTime(date, Zone(zone));
        var text = new StringBuilder();
        foreach (Match token in Token().Matches(format)) text.Append(Part(local, token.Value));
        return text.ToString();
    }

    private static string Part(DateTimeOffset d, string token) => token switch
    {
        "YYYY" => Text(d, "yyyy"),
        "YY" => Text(d, "yy"),
        "MMMM" or "MMM" or "MM" or "dddd" or "ddd" or "HH" or "hh" or "mm" or "ss" => Text(d, token),
        "M" or "H" or "h" or "m" or "s" => Text(d, "%" + token),
        "DDDD" => d.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        "DDD" => d.DayOfYear.ToString(CultureInfo.InvariantCulture),
        "DD" => Text(d, "dd"),
        "D" => Text(d, "%d"),
        "E" => (d.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)d.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        "GGGG" => ISOWeek.GetYear(d.DateTime).ToString(CultureInfo.InvariantCulture),
        "WW" => ISOWeek.GetWeekOfYear(d.DateTime).ToString("00", CultureInfo.InvariantCulture),
        "W" => ISOWeek.GetWeekOfYear(d.DateTime).ToString(CultureInfo.InvariantCulture),
        "SSS" => Text(d, "fff"),
        "A" => d.Hour < 12 ? "AM" : "PM",
        "a" => d.Hour < 12 ? "am" : "pm",
        "Z" => Text(d, "zzz"),
        "ZZ" => Text(d, "zzz").Replace(":", "", StringComparison.Ordinal),
        "X" => d.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        "x" => d.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
        ['[', .. var literal, ']'] => literal,
        [var one] when !char.IsAsciiLetter(one) => token,
        "T" => token,
        _ => throw new KimgException(ErrorCode.InvalidArgument, $"unknown part '{token}' of a date format")
        {
            Hint = "for example YYYYMMDD-HHmmss; letters that stand for themselves are written in brackets: [at]",
        },
    };

    private static string Text(DateTimeOffset date, string format) => date.ToString(format, CultureInfo.InvariantCulture);

    private static TimeZoneInfo Zone(string? name)
    {
        try
        {
            return name is null or "UTC" ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"unknown time zone '{name}'", e)
            {
                Hint = "write an IANA name such as Europe/Berlin; the package tzdata has them",
            };
        }
    }

    [GeneratedRegex(@"\[[^\]]*\]|YYYY|YY|M{1,4}|D{1,4}|d{3,4}|GGGG|W{1,2}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|SSS|Z{1,2}|[A-Za-z]|[^A-Za-z]")]
    private static partial Regex Token();
}
