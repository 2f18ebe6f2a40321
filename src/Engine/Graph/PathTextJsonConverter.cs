using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kimg.Engine.Graph;

/// <summary>Strings that carry bytes which are no UTF-8 (see <see cref="Primitives.PathText"/>): JSON has none, and would make all of them the same character.
/// Two names that differ are two texts here.</summary>
internal sealed class PathTextJsonConverter : JsonConverter<string>
{
    private const char Escape = '\u0001';

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? value : Escaped(value));

    private static string Escaped(string value)
    {
        var text = new StringBuilder(value.Length + 8);
        for (int i = 0; i < value.Length; i++)
        {
            if (i + 1 < value.Length && char.IsSurrogatePair(value[i], value[i + 1])) text.Append(value[i++]).Append(value[i]);
            else if (char.IsSurrogate(value[i])) text.Append(Escape).Append(((int)value[i]).ToString("x4", CultureInfo.InvariantCulture));
            else if (value[i] == Escape) text.Append(Escape).Append(Escape);
            else text.Append(value[i]);
        }

        return text.ToString();
    }
}
