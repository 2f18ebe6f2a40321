namespace Kimg.Engine.Registry;

/// <summary>Text from outside, made fit for a message: one line, no control characters, bounded.</summary>
internal static class OneLine
{
    public static string Of(string text, int limit)
    {
        string cut = text.Length > limit ? text[..limit] + "…" : text;
        return string.Create(cut.Length, cut, static (line, from) =>
        {
            for (int i = 0; i < line.Length; i++) line[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? ' ' : from[i];
        }).Trim();
    }
}
