using System.Text;

namespace Kimg.Ci.Metadata;

/// <summary>One record of CSV as metadata-action reads it: a field may stand in quotes.</summary>
internal static class RuleFields
{
    public static List<string> Split(string text)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' && quoted && i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
            else if (text[i] == '"' && (quoted || field.Length == 0)) quoted = !quoted;
            else if (text[i] == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else field.Append(text[i]);
        }

        if (quoted) throw TagRule.Invalid(text, "a quote is not closed", "close it");
        fields.Add(field.ToString());
        return fields;
    }
}
