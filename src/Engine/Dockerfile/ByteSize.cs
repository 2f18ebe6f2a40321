using System.Globalization;

namespace Kimg.Engine.Dockerfile;

/// <summary>Sizes as docker writes them: a number and an optional unit (b, k, m, g, t, p, with or without b or ib), powers of 1024.</summary>
internal static class ByteSize
{
    public static long? Parse(string text)
    {
        int digits = text.AsSpan().IndexOfAnyExcept(GoFormat.NumberCharacters);
        if (digits < 0) digits = text.Length;
        if (!decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)) return null;
        string unit = text[digits..].Trim(' ').ToLowerInvariant();
        int power = unit switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 1,
            "m" or "mb" or "mib" => 2,
            "g" or "gb" or "gib" => 3,
            "t" or "tb" or "tib" => 4,
            "p" or "pb" or "pib" => 5,
            _ => -1,
        };
        if (power < 0 || number > long.MaxValue >> (10 * power)) return null;
        return (long)(number * (1L << (10 * power)));
    }
}
