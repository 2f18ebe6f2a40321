using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kimg.Ci.Hosts;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Reports;

/// <summary>A build told in Markdown: a job's summary page, or a comment.</summary>
internal sealed record BuildSummary
{
    // GitHub takes 1 MiB for a step.
    private const int MaxLength = 900_000;

    public required string Title { get; init; }

    public BuildResult? Result { get; init; }

    /// <summary>With layers; null when no image was made or it was not looked into.</summary>
    public ImageReport? Image { get; init; }

    public ImmutableArray<RecordedStep> Steps { get; init; } = [];

    public ImmutableArray<CiAnnotation> Findings { get; init; } = [];

    public KimgException? Error { get; init; }

    public CiFacts? Facts { get; init; }

    /// <summary>Lines that build the same on the reader's machine.</summary>
    public string Reproduce { get; init; } = "";

    public string Render()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"### {(Error is null ? "" : "❌ ")}{Escape(Title)}\n\n");
        if (Error is { } error) text.Append(CultureInfo.InvariantCulture, $"**{error.Code.Name()}** {Escape(error.Message)}\n{(error.Hint is { } hint ? $"\n{Escape(hint)}\n" : "")}\n");
        if (Result is { Root: { } root } result)
        {
            text.Append("| | |\n|---|---|\n");
            foreach (string name in result.Names) text.Append(CultureInfo.InvariantCulture, $"| image | `{name}` |\n");
            text.Append(CultureInfo.InvariantCulture, $"| digest | `{root.Digest}` |\n");
            if (result.ImageId is { } id) text.Append(CultureInfo.InvariantCulture, $"| image ID | `{id}` |\n");
            text.Append(CultureInfo.InvariantCulture, $"| cache | {result.CachedVertices} of {result.TotalVertices} steps |\n");
            if (Facts is { Url.Length: > 0, Commit.Length: > 0 } facts) text.Append(CultureInfo.InvariantCulture, $"| source | {Escape(facts.Url)} `{Code(facts.Commit)}` {Escape(facts.Ref)} |\n");
            text.Append('\n');
        }

        AppendFindings(text);
        foreach (PlatformImage image in Image?.Images ?? []) AppendLayers(text, image);
        AppendSteps(text);
        if (Reproduce.Length > 0) text.Append(CultureInfo.InvariantCulture, $"<details><summary>The same on your machine</summary>\n\n{Fence}sh\n{Reproduce}\n{Fence}\n\n</details>\n");
        return text.Length <= MaxLength ? text.ToString() : text.ToString(0, MaxLength) + "\n\n… cut\n";
    }

    // Longer than any that a label or build argument could end it with.
    private string Fence
    {
        get
        {
            int longest = 2, run = 0;
            foreach (char c in Reproduce) longest = Math.Max(longest, run = c == '`' ? run + 1 : 0);
            return new string('`', longest + 1);
        }
    }

    /// <summary>Powers of 1000, as registries show sizes.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1_000_000_000 => (bytes / 1e9).ToString("0.00", CultureInfo.InvariantCulture) + " GB",
        >= 1_000_000 => (bytes / 1e6).ToString("0.00", CultureInfo.InvariantCulture) + " MB",
        >= 1000 => (bytes / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + " kB",
        _ => $"{bytes} B",
    };

    private void AppendFindings(StringBuilder text)
    {
        if (Findings.IsEmpty) return;
        text.Append(CultureInfo.InvariantCulture, $"**{Findings.Length} finding{(Findings.Length == 1 ? "" : "s")}**\n\n");
        foreach (CiAnnotation finding in Findings)
        {
            string place = finding.File is null ? "" : $" (`{finding.File}{(finding.Line > 0 ? $":{finding.Line}" : "")}`)";
            text.Append(CultureInfo.InvariantCulture, $"- **{Escape(finding.Title)}**: {Escape(finding.Message)}{place}\n");
        }

        text.Append('\n');
    }

    private static void AppendLayers(StringBuilder text, PlatformImage image)
    {
        text.Append(CultureInfo.InvariantCulture, $"<details><summary>{image.Platform}: {image.Layers.Length} layers, {Size(image.Layers.Sum(l => l.Size))}</summary>\n\n");
        text.Append("| layer | size |\n|---|---:|\n");
        foreach (var layer in image.Layers) text.Append(CultureInfo.InvariantCulture, $"| `{layer.Digest}` | {Size(layer.Size)} |\n");
        text.Append("\n</details>\n\n");
    }

    private void AppendSteps(StringBuilder text)
    {
        if (Steps.IsEmpty) return;
        text.Append(CultureInfo.InvariantCulture, $"<details><summary>{Steps.Length} steps</summary>\n\n| step | | time |\n|---|---|---:|\n");
        foreach (RecordedStep step in Steps)
        {
            string state = step.Error is not null ? "failed" : step.Cached ? "cached" : "ran";
            text.Append(CultureInfo.InvariantCulture, $"| {Escape(step.Name)} | {state} | {step.Time.TotalSeconds:0.00} s |\n");
        }

        text.Append("\n</details>\n\n");
    }

    private static string Code(string text) => text.Replace("`", "", StringComparison.Ordinal).ReplaceLineEndings(" ");

    // Text of Dockerfiles and steps: it must not become markup, links or mentions.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (char c in text.ReplaceLineEndings(" "))
        {
            if (char.IsControl(c) || c is >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069') continue;
            if (c == '<') escaped.Append("&lt;");
            else if (c == '@') escaped.Append("&#64;");
            else if (@"\`*_{}[]|#>".Contains(c)) escaped.Append('\\').Append(c);
            else escaped.Append(c);
        }

        return escaped.ToString();
    }
}
