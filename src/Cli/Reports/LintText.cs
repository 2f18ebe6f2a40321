using System.Text;
using Kimg.Cli.Errors;
using Kimg.Cli.Progress;
using Kimg.Engine.Dockerfile;

namespace Kimg.Cli.Reports;

/// <summary>Findings for people, in the form of <c>docker build --check</c>.</summary>
internal static class LintText
{
    public static string Render(CheckResult report)
    {
        var text = new StringBuilder(report.Warnings.Length switch
        {
            0 => "Check complete, no warnings found.\n",
            1 => "Check complete, 1 warning has been found!\n",
            var count => $"Check complete, {count} warnings have been found!\n",
        });
        foreach (LintWarning warning in report.Warnings)
        {
            text.Append("\nWARNING: ").Append(warning.Rule);
            if (warning.Url is { } url) text.Append(" - ").Append(url);
            text.Append('\n').Append(OutputSanitizer.OneLine(warning.Detail)).Append('\n');
            if (warning.Span is { } span) text.Append(Excerpt.Render(span));
        }

        return text.ToString();
    }
}
