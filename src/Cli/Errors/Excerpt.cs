using System.Globalization;
using System.Text;
using Kimg.Cli.Progress;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Errors;

/// <summary>The lines of a Dockerfile around a place, the place itself marked.</summary>
internal static class Excerpt
{
    private const int Around = 2;
    private const int MaxMarked = 20;
    private const int MaxWidth = 160;

    /// <summary>Empty when the text is not at hand.</summary>
    public static string Render(SourceSpan span)
    {
        if (span.Source is not { } source || span.StartLine < 1 || span.StartLine > source.Lines.Count) return "";
        int last = Math.Clamp(span.EndLine, span.StartLine, Math.Min(source.Lines.Count, span.StartLine + MaxMarked - 1));
        int from = Math.Max(1, span.StartLine - Around), to = Math.Min(source.Lines.Count, last + Around);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{OutputSanitizer.OneLine(span.File)}:{span.StartLine}\n--------------------\n");
        for (int number = from; number <= to; number++)
        {
            string line = OutputSanitizer.Line(source.Lines[number - 1], colours: false);
            if (line.Length > MaxWidth) line = line[..MaxWidth] + "…";
            string marker = number >= span.StartLine && number <= last ? ">>>" : "   ";
            text.Append(string.Create(CultureInfo.InvariantCulture, $"{number,4} | {marker} {line}").TrimEnd()).Append('\n');
        }

        return text.Append("--------------------\n").ToString();
    }
}
