using System.Text.Json;
using Kimg.Cli.Facade;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Reports;

/// <summary>The object of <c>docker build --call=check,format=json</c>.</summary>
internal static class LintJson
{
    public static string Render(CheckReport report) => JsonText.Render(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("warnings");
        foreach (LintWarning warning in report.Warnings) Write(json, warning);
        json.WriteEndArray();
        json.WriteStartArray("sources");
        json.WriteStartObject();
        json.WriteString("filename", report.FileName);
        json.WriteBase64String("data", PathText.Encode(report.Dockerfile.Text));
        json.WriteString("language", "Dockerfile");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, LintWarning warning)
    {
        json.WriteStartObject();
        json.WriteString("ruleName", warning.Rule);
        json.WriteString("description", warning.Description);
        if (warning.Url is { } url) json.WriteString("url", url);
        json.WriteString("detail", warning.Detail);
        json.WriteStartObject("location");
        if (warning.Span is { } span)
        {
            json.WriteStartArray("ranges");
            json.WriteStartObject();
            Line(json, "start", span.StartLine);
            Line(json, "end", span.EndLine);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Line(Utf8JsonWriter json, string name, int line)
    {
        json.WriteStartObject(name);
        json.WriteNumber("line", line);
        json.WriteEndObject();
    }
}
