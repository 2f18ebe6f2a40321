using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kimg.Engine.Oci;

/// <summary>A time in an image's documents: RFC 3339 with up to nine digits of seconds. Docker writes nanoseconds and sometimes an offset, and an
/// entry of a base image's history must come out as it went in, which <see cref="DateTimeOffset"/> (100 ns) cannot do alone.</summary>
[JsonConverter(typeof(TimestampJsonConverter))]
public readonly record struct Timestamp : IComparable<Timestamp>
{
    private readonly byte _nanoseconds;

    private Timestamp(DateTimeOffset time, int nanoseconds) => (Time, _nanoseconds) = (time, (byte)nanoseconds);

    /// <summary>The time rounded down to 100 ns.</summary>
    public DateTimeOffset Time { get; }

    public static implicit operator Timestamp(DateTimeOffset time) => new(time, 0);

    public static Timestamp FromUnixSeconds(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);

    public static bool TryParse(string? text, out Timestamp timestamp)
    {
        timestamp = default;
        if (text is null || text.Length is < 20 or > 40 || text[10] is not ('T' or 't')) return false;
        int end = 19;
        if (text[19] == '.')
            for (end = 20; end < text.Length && char.IsAsciiDigit(text[end]);) end++;
        // .NET reads seven digits; the eighth and ninth are kept beside.
        string digits = text[Math.Min(end, 20)..end], extra = digits.Length > 7 ? digits[7..Math.Min(9, digits.Length)].PadRight(2, '0') : "00";
        string plain = text[..19] + (digits.Length == 0 ? "" : "." + digits[..Math.Min(7, digits.Length)]) + text[end..];
        if (end == 20 || !DateTimeOffset.TryParse(plain, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)) return false;
        timestamp = new Timestamp(time, int.Parse(extra, CultureInfo.InvariantCulture));
        return true;
    }

    public int CompareTo(Timestamp other) => (Time.UtcTicks, _nanoseconds).CompareTo((other.Time.UtcTicks, other._nanoseconds));

    public static bool operator <(Timestamp left, Timestamp right) => left.CompareTo(right) < 0;

    public static bool operator >(Timestamp left, Timestamp right) => left.CompareTo(right) > 0;

    public static bool operator <=(Timestamp left, Timestamp right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Timestamp left, Timestamp right) => left.CompareTo(right) >= 0;

    /// <summary>As Go's RFC3339Nano prints it: no final zeros, <c>Z</c> for UTC.</summary>
    public override string ToString()
    {
        string fraction = ((Time.Ticks % TimeSpan.TicksPerSecond * 100) + _nanoseconds).ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return Time.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + (fraction.Length > 0 ? "." + fraction : "")
            + (Time.Offset == TimeSpan.Zero ? "Z" : Time.ToString("zzz", CultureInfo.InvariantCulture));
    }
}

internal sealed class TimestampJsonConverter : JsonConverter<Timestamp>
{
    public override Timestamp Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Timestamp.TryParse(reader.GetString(), out Timestamp timestamp) ? timestamp : throw new JsonException("not a time");

    public override void Write(Utf8JsonWriter writer, Timestamp value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
