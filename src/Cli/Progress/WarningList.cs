using System.Text;
using Kimg.Engine.Dockerfile;

namespace Kimg.Cli.Progress;

/// <summary>Lint warnings after a build.</summary>
internal static class WarningList
{
    public static string OneLine(LintWarning warning) =>
        $"{warning.Rule}: {warning.Detail}{(warning.Span is { } span ? $" (line {span.StartLine})" : "")}";

    /// <summary>A list, or with <paramref name="details"/> also what each rule means and where to read on. Empty when there are none.</summary>
    public static string Render(IReadOnlyCollection<LintWarning> warnings, bool details, bool colours)
    {
        if (warnings.Count == 0) return "";
        var text = new StringBuilder("\n");
        string count = warnings.Count == 1 ? "1 warning found" : $"{warnings.Count} warnings found";
        string header = " " + count + (details ? ":" : " (use --debug to expand):");
        text.Append(colours ? $"\u001b[33m{header}\u001b[0m\n" : header + "\n");
        foreach (LintWarning warning in warnings)
        {
            text.Append(" - ").Append(OutputSanitizer.OneLine(OneLine(warning))).Append('\n');
            if (!details) continue;
            text.Append("   ").Append(OutputSanitizer.OneLine(warning.Description)).Append('\n');
            if (warning.Url is { } url) text.Append("   more: ").Append(url).Append('\n');
            if (warning.Span is { } span) text.Append(Errors.Excerpt.Render(span));
        }

        return text.ToString();
    }
}
