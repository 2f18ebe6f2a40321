using System.Collections.Immutable;
using System.Text;

namespace Kimg.Ci.Metadata;

/// <param name="Text">As it is written.</param>
internal readonly record struct CsvRecord(ImmutableArray<string> Fields, string Text);

/// <summary>Lists as docker's actions read them: CSV where a field that begins with a quote ends with one, and other quotes are characters.</summary>
internal static class CsvRecords
{
    /// <param name="quotes">Whether a field may stand in quotes; there it may have commas and line ends.</param>
    /// <param name="comments">Whether lines that begin with # are none of the list's.</param>
    /// <param name="invalid">The error for a reason.</param>
    /// <returns>Without empty lines.</returns>
    public static List<CsvRecord> Read(string text, bool quotes, bool comments, Func<string, Exception> invalid)
    {
        var records = new List<CsvRecord>();
        var fields = ImmutableArray.CreateBuilder<string>();
        var field = new StringBuilder();
        int start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : '\n';
            if (c == '"' && quotes && field.Length == 0)
            {
                i = Quoted(text, i + 1, field) ?? throw invalid("a quote is not closed");
            }
            else if (c == '#' && comments && fields.Count == 0 && string.IsNullOrWhiteSpace(field.ToString()))
            {
                int end = text.IndexOf('\n', i);
                field.Clear();
                i = end < 0 ? text.Length : end;
                start = i + 1;
            }
            else if (c is ',' or '\n')
            {
                fields.Add(field.ToString());
                field.Clear();
                if (c == ',') continue;
                if (fields.Count > 1 || fields[0].Length > 0) records.Add(new CsvRecord(fields.ToImmutable(), text[start..i].Trim()));
                fields.Clear();
                start = i + 1;
            }
            else if (c != '\r' || (i + 1 < text.Length && text[i + 1] != '\n'))
            {
                field.Append(c);
            }
        }

        return records;
    }

    /// <returns>Where the closing quote is, or null.</returns>
    private static int? Quoted(string text, int i, StringBuilder field)
    {
        for (; i < text.Length; i++)
        {
            if (text[i] != '"') field.Append(text[i]);
            else if (i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
            else
            {
                // Not the field but its beginning was quoted: "a"=b
                if (i + 1 < text.Length && text[i + 1] is not (',' or '\n' or '\r')) field.Insert(0, '"').Append('"');
                return i;
            }
        }

        return null;
    }
}
