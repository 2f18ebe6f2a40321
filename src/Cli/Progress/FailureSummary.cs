using System.Globalization;
using System.Text;

namespace Kimg.Cli.Progress;

/// <summary>The steps that failed and the end of what they wrote, after everything else so that nobody has to scroll.</summary>
internal static class FailureSummary
{
    public static string Render(IEnumerable<VertexState> vertices, bool colours)
    {
        var text = new StringBuilder();
        foreach (VertexState failed in vertices.Where(v => v is { Failed: true, Canceled: false }))
        {
            text.Append(CultureInfo.InvariantCulture, $"------\n > {failed.Name}:\n");
            foreach ((TimeSpan at, string line) in failed.Output.Last)
                text.Append(CultureInfo.InvariantCulture, $"{Format.Milliseconds(at)} {OutputSanitizer.Line(line, colours)}\n");
            text.Append("------\n");
        }

        return text.ToString();
    }
}
