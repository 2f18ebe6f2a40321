using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Progress;

/// <summary>One JSON object a line, in the shape of BuildKit's client.SolveStatus: vertexes, statuses, logs, warnings. A vertex is written whole
/// whenever it changes.</summary>
internal sealed class RawJsonProgress(Action<ReadOnlySpan<byte>> write) : ProgressView
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<Digest, (VertexAdded Added, DateTimeOffset? Started)> _vertices = [];
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public override void OnEvent(BuildEvent e)
    {
        switch (e)
        {
            case VertexAdded added:
                _vertices[added.Vertex] = (added, null);
                Vertex(added, null, null);
                break;
            case VertexStarted started when _vertices.TryGetValue(started.Vertex, out var known):
                _vertices[started.Vertex] = (known.Added, started.At);
                Vertex(known.Added, started.At, null);
                break;
            case VertexCompleted completed when _vertices.TryGetValue(completed.Vertex, out var known):
                Vertex(known.Added, known.Started ?? completed.At, completed);
                break;
            case VertexProgress progress:
                Line("statuses", json => Status(json, progress));
                break;
            case VertexOutput output:
                Line("logs", json => Log(json, output));
                break;
            case VertexWarning warning:
                Line("warnings", json => Warning(json, warning));
                break;
            case BuildNotice notice:
                Line("warnings", json =>
                {
                    json.WriteNumber("level", 0);
                    json.WriteBase64String("short", Encoding.UTF8.GetBytes(notice.Message));
                });
                break;
        }
    }

    private void Vertex(VertexAdded added, DateTimeOffset? started, VertexCompleted? completed) => Line("vertexes", json =>
    {
        json.WriteString("digest", added.Vertex.ToString());
        if (!added.Inputs.IsEmpty)
        {
            json.WriteStartArray("inputs");
            foreach (Digest input in added.Inputs) json.WriteStringValue(input.ToString());
            json.WriteEndArray();
        }

        json.WriteString("name", added.Name);
        if (started is { } begin) json.WriteString("started", Time(begin));
        if (completed is null) return;
        json.WriteString("completed", Time(completed.At));
        if (completed.Cached) json.WriteBoolean("cached", true);
        if (completed.Error is { } error) json.WriteString("error", error);
    });

    private static void Status(Utf8JsonWriter json, VertexProgress progress)
    {
        json.WriteString("id", progress.Id);
        json.WriteString("vertex", progress.Vertex.ToString());
        if (progress.Name.Length > 0) json.WriteString("name", progress.Name);
        if (progress.Total > 0) json.WriteNumber("total", progress.Total);
        json.WriteNumber("current", progress.Current);
        json.WriteString("timestamp", Time(progress.At));
        json.WriteString("started", Time(progress.Started));
        if (progress.Completed is { } completed) json.WriteString("completed", Time(completed));
    }

    private static void Log(Utf8JsonWriter json, VertexOutput output)
    {
        json.WriteString("vertex", output.Vertex.ToString());
        json.WriteNumber("stream", output.Stream);
        json.WriteBase64String("data", output.Data.Span);
        json.WriteString("timestamp", Time(output.At));
    }

    private static void Warning(Utf8JsonWriter json, VertexWarning e)
    {
        LintWarning warning = e.Warning;
        json.WriteString("vertex", e.Vertex.ToString());
        json.WriteNumber("level", 1);
        json.WriteBase64String("short", Encoding.UTF8.GetBytes(WarningList.OneLine(warning)));
        json.WriteStartArray("detail");
        json.WriteBase64StringValue(Encoding.UTF8.GetBytes(warning.Description));
        json.WriteEndArray();
        if (warning.Url is { } url) json.WriteString("url", url);
        if (warning.Span is not { } span) return;
        json.WriteStartObject("sourceInfo");
        json.WriteString("filename", span.File);
        if (span.Source is { } source) json.WriteBase64String("data", PathText.Encode(source.Text));
        json.WriteString("language", "Dockerfile");
        json.WriteEndObject();
        json.WriteStartArray("range");
        json.WriteStartObject();
        Position(json, "start", span.StartLine, span.StartColumn);
        Position(json, "end", span.EndLine, 0);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    // pb.Position: lines from 1, characters from 0.
    private static void Position(Utf8JsonWriter json, string name, int line, int column)
    {
        json.WriteStartObject(name);
        json.WriteNumber("line", line);
        if (column > 1) json.WriteNumber("character", column - 1);
        json.WriteEndObject();
    }

    private void Line(string list, Action<Utf8JsonWriter> item)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteStartArray(list);
            json.WriteStartObject();
            item(json);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        _buffer.Write("\n"u8);
        write(_buffer.WrittenSpan);
    }

    // Go's RFC3339Nano: no zeros at the end of the fraction.
    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);
}
