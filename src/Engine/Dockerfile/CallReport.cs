using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The answers of --call as BuildKit prints them: text for people, JSON for programs (indented by two; empty fields left out). Findings as text
/// are the caller's, who knows the terminal.</summary>
public static class CallReport
{
    private static readonly JsonWriterOptions s_json = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[][] s_methods =
    [
        ["check", "1.0.0", "Find problems of the Dockerfile without building it"],
        ["outline", "1.0.0", "List what the target takes: build arguments, secrets, ssh agents"],
        ["targets", "1.0.0", "List the stages that can be built"],
        ["subrequests.describe", "1.0.0", "List these methods"],
    ];

    public static string Json(CheckResult check) => Write(json =>
    {
        json.WriteStartArray("warnings");
        foreach (LintWarning warning in check.Warnings)
        {
            json.WriteStartObject();
            json.WriteString("ruleName", warning.Rule);
            json.WriteString("description", warning.Description);
            if (warning.Url is not null) json.WriteString("url", warning.Url);
            json.WriteString("detail", warning.Detail);
            WriteLocation(json, warning.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("sources");
        json.WriteStartObject();
        json.WriteString("filename", check.FileName);
        json.WriteBase64String("data", PathText.Encode(check.Source.Text));
        json.WriteString("language", "Dockerfile");
        json.WriteEndObject();
        json.WriteEndArray();
        if (check.Error is null) return;
        json.WriteStartObject("buildError");
        json.WriteString("message", check.Error.Message);

        // Findings that count as an error have their own places.
        WriteLocation(json, check.Error.Code == ErrorCode.LintFailed ? null : check.Error.Span);
        json.WriteEndObject();
    });

    public static string Json(DockerfileOutline outline) => Write(json =>
    {
        if (outline.Name is not null) json.WriteString("name", outline.Name);
        if (outline.Description is not null) json.WriteString("description", outline.Description);
        WriteArray(json, "args", outline.Args, arg =>
        {
            json.WriteString("name", arg.Name);
            if (!string.IsNullOrEmpty(arg.Description)) json.WriteString("description", arg.Description);
            if (!string.IsNullOrEmpty(arg.Value)) json.WriteString("value", arg.Value);
            WriteLocation(json, arg.Span);
        });
        WriteArray(json, "secrets", outline.Secrets, WriteSecret);
        WriteArray(json, "ssh", outline.Ssh, WriteSecret);
        WriteSource(json, outline.Source);

        void WriteSecret(OutlineSecret secret)
        {
            json.WriteString("name", secret.Name);
            if (secret.Required) json.WriteBoolean("required", true);
            WriteLocation(json, secret.Span);
        }
    });

    public static string Text(DockerfileOutline outline)
    {
        var text = new StringBuilder();
        if (outline.Name is not null || outline.Description is not null)
        {
            List<string[]> head = [["TARGET:", outline.Name ?? "(default)"]];
            if (outline.Description is not null) head.Add(["DESCRIPTION:", outline.Description]);
            AppendTable(text, head, 1);
            text.Append('\n');
        }

        AppendSection(text, ["BUILD ARG", "VALUE", "DESCRIPTION"], [.. outline.Args.Select(a => new[] { a.Name, a.Value ?? "", a.Description ?? "" })]);
        AppendSection(text, ["SECRET", "REQUIRED"], [.. outline.Secrets.Select(s => new[] { s.Name, s.Required ? "true" : "" })]);
        AppendSection(text, ["SSH", "REQUIRED"], [.. outline.Ssh.Select(s => new[] { s.Name, s.Required ? "true" : "" })]);
        return text.ToString();
    }

    public static string Json(DockerfileTargets targets) => Write(json =>
    {
        json.WriteStartArray("targets");
        foreach (DockerfileTarget target in targets.Targets)
        {
            json.WriteStartObject();
            if (target.Name is not null) json.WriteString("name", target.Name);
            if (target.IsDefault) json.WriteBoolean("default", true);
            if (target.Description is not null) json.WriteString("description", target.Description);
            json.WriteString("base", target.Base);
            if (target.Platform is not null) json.WriteString("platform", target.Platform);
            WriteLocation(json, target.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteSource(json, targets.Source);
    });

    public static string Text(DockerfileTargets targets)
    {
        var text = new StringBuilder();
        IEnumerable<string[]> rows = targets.Targets.Select(t => new[]
        {
            t.IsDefault ? (t.Name is null ? "(default)" : t.Name + " (default)") : t.Name ?? "", t.Description ?? "",
        });
        AppendTable(text, [["TARGET", "DESCRIPTION"], .. rows], 1);
        return text.ToString();
    }

    /// <summary>The methods of --call themselves (--call=subrequests.describe).</summary>
    public static string Methods()
    {
        var text = new StringBuilder();
        AppendTable(text, [["NAME", "VERSION", "DESCRIPTION"], .. s_methods], 1);
        return text.ToString();
    }

    private static string Write(Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_json))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, IReadOnlyCollection<T> items, Action<T> content)
    {
        if (items.Count == 0) return;
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            content(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSource(Utf8JsonWriter json, SourceText source)
    {
        json.WriteStartArray("sources");
        json.WriteBase64StringValue(PathText.Encode(source.Text));
        json.WriteEndArray();
    }

    // One range for each line, as BuildKit's parser has it; columns are not part of its answer.
    private static void WriteLocation(Utf8JsonWriter json, SourceSpan? span)
    {
        json.WriteStartObject("location");
        if (span is not null)
        {
            json.WriteStartArray("ranges");
            for (int line = span.StartLine; line <= span.EndLine; line++)
            {
                json.WriteStartObject();
                foreach (string end in (ReadOnlySpan<string>)["start", "end"])
                {
                    json.WriteStartObject(end);
                    json.WriteNumber("line", line);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void AppendSection(StringBuilder text, string[] header, List<string[]> rows)
    {
        if (rows.Count == 0) return;
        AppendTable(text, [header, .. rows], 3);
        text.Append('\n');
    }

    private static void AppendTable(StringBuilder text, List<string[]> rows, int gap)
    {
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length - 1; column++)
                text.Append(row[column].PadRight(rows.Max(r => r[column].Length) + gap));
            text.Append(row[^1]).Append('\n');
        }
    }
}
