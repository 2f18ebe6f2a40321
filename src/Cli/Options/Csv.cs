using System.Text;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>One record of RFC 4180 as docker's option values use it: <c>type=image,"name=a,b",push=true</c>.</summary>
internal static class Csv
{
    public static List<string> Split(OptionSource source, string text)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        int i = 0;
        while (true)
        {
            field.Clear();
            if (i < text.Length && text[i] == '"') i = Quoted(source, text, i + 1, field);
            else
            {
                int comma = text.IndexOf(',', i);
                int end = comma < 0 ? text.Length : comma;
                if (text.AsSpan(i, end - i).Contains('"'))
                    throw source.Invalid("a quote must enclose the whole field", "write \"key=value\" with both quotes");
                field.Append(text, i, end - i);
                i = end;
            }

            fields.Add(field.ToString());
            if (i >= text.Length) return fields;
            i++;
        }
    }

    /// <summary>The fields as key and value; a field without '=' has a null value. Keys are as they were written.</summary>
    public static List<(string Key, string? Value)> Pairs(OptionSource source, string text)
    {
        var pairs = new List<(string, string?)>();
        foreach (string field in Split(source, text))
        {
            int equals = field.IndexOf('=');
            pairs.Add(equals < 0 ? (field, null) : (field[..equals].Trim(), field[(equals + 1)..]));
        }

        return pairs;
    }

    private static int Quoted(OptionSource source, string text, int i, StringBuilder field)
    {
        while (i < text.Length)
        {
            if (text[i] != '"') field.Append(text[i++]);
            else if (i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append('"');
                i += 2;
            }
            else if (i + 1 == text.Length || text[i + 1] == ',') return i + 1;
            else break;
        }

        throw source.Invalid("a quote is not closed", "write \"key=value\" with both quotes");
    }
}

/// <summary>The option and the value that is being parsed, for messages.</summary>
internal readonly record struct OptionSource(string Spelling, string Text, ErrorCode Code = ErrorCode.InvalidArgument)
{
    public KimgException Invalid(string why, string? hint = null) => new(Code, $"invalid value '{Text}' for {Spelling}: {why}") { Hint = hint };

    public KimgException UnknownKey(string key, IEnumerable<string> known) =>
        Invalid($"unknown key '{key}'", DidYouMean.Hint(key, [.. known], "known keys"));
}
