using System.Text.Json;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Reports;

/// <summary>SARIF 2.1.0, as code hosts read it.</summary>
internal static class LintSarif
{
    public static string Render(CheckResult report, string version) => JsonText.Render(json =>
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        Tool(json, report, version);
        json.WriteStartArray("results");
        foreach (LintWarning warning in report.Warnings) Result(json, report, warning);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Tool(Utf8JsonWriter json, CheckResult report, string version)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "kimg");
        json.WriteString("semanticVersion", version);
        json.WriteStartArray("rules");
        foreach (LintWarning rule in report.Warnings.DistinctBy(w => w.Rule))
        {
            json.WriteStartObject();
            json.WriteString("id", rule.Rule);
            Message(json, "shortDescription", rule.Description);
            if (rule.Url is { } url) json.WriteString("helpUri", url);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Result(Utf8JsonWriter json, CheckResult report, LintWarning warning)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", warning.Rule);
        json.WriteString("level", "warning");
        Message(json, "message", warning.Detail);
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", Uri.EscapeDataString(warning.Span?.File ?? report.FileName).Replace("%2F", "/", StringComparison.Ordinal));
        json.WriteEndObject();
        if (warning.Span is { } span) Region(json, span);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Region(Utf8JsonWriter json, SourceSpan span)
    {
        json.WriteStartObject("region");
        json.WriteNumber("startLine", span.StartLine);
        json.WriteNumber("startColumn", Math.Max(1, span.StartColumn));
        json.WriteNumber("endLine", span.EndLine);
        json.WriteEndObject();
    }

    private static void Message(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", text);
        json.WriteEndObject();
    }
}
