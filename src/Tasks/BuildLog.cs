using System.Text;
using System.Text.Json;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Kimg.Tasks;

/// <summary>What kimg says line by line (<c>--progress rawjson --log-format json</c>) as MSBuild messages and warnings. An error is kept for the
/// task, which knows what part of the project it is about.</summary>
internal sealed class BuildLog(TaskLoggingHelper log, string? dockerfile)
{
    private const int KeptLines = 30;

    private readonly Dictionary<string, Vertex> _vertices = new(StringComparer.Ordinal);

    public KimgFailure? Failure { get; private set; }

    /// <summary>The last lines of steps that failed, for people.</summary>
    public IEnumerable<string> FailedOutput => _vertices.Values.Where(v => v.Failed).SelectMany(v => v.Output);

    public void OnLine(string line)
    {
        if (line.Length == 0) return;
        if (line[0] != '{')
        {
            log.LogMessage(MessageImportance.Normal, "{0}", line);
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(line);
            Read(json.RootElement);
        }
        catch (JsonException)
        {
            log.LogMessage(MessageImportance.Normal, "{0}", line);
        }
    }

    /// <summary>Writes an error with its place, where it has one.</summary>
    /// <param name="projectFile">Where errors without a place belong.</param>
    /// <param name="setting">The property or item it comes from; null: it says enough by itself.</param>
    public void WriteFailure(KimgFailure failure, string projectFile, string? setting)
    {
        foreach (string line in FailedOutput) log.LogMessage(MessageImportance.High, "  {0}", line);
        string? file = failure.File is { } named ? FileOf(named) : null;
        var text = new StringBuilder(failure.Message);
        if (setting is not null) text.Append("; change ").Append(setting).Append(" of ").Append(Path.GetFileName(projectFile));
        if (failure.Hint is { } hint) text.Append(" (").Append(hint.ReplaceLineEndings("; ")).Append(')');
        log.LogError(
            subcategory: null, failure.Code, helpKeyword: failure.Code, HelpLinks.Of(failure.Code), file ?? projectFile,
            file is null ? 0 : failure.Line, file is null ? 0 : failure.Column, file is null ? 0 : failure.EndLine, 0, "{0}", text.ToString());
    }

    /// <summary>A finding of a lint rule; its code is the rule's name, so that NoWarn and WarningsAsErrors take it.</summary>
    public void WriteWarning(string rule, string detail, string? url, string? file, int line, int column, int endLine) =>
        log.LogWarning("Dockerfile", rule, helpKeyword: rule, helpLink: url, file is null ? dockerfile : FileOf(file), line, column, endLine, 0, "{0}", detail);

    private void Read(JsonElement json)
    {
        foreach (JsonProperty list in json.EnumerateObject())
        {
            switch (list.Name)
            {
                case "vertexes": foreach (JsonElement item in list.Value.EnumerateArray()) ReadVertex(item); break;
                case "logs": foreach (JsonElement item in list.Value.EnumerateArray()) ReadLog(item); break;
                case "warnings": foreach (JsonElement item in list.Value.EnumerateArray()) ReadWarning(item); break;
                case "code": Failure = KimgFailure.TryRead(json); return;
                default: break;
            }
        }
    }

    private void ReadVertex(JsonElement json)
    {
        string digest = json.GetProperty("digest").GetString()!, name = json.GetProperty("name").GetString()!;
        if (!_vertices.TryGetValue(digest, out Vertex? vertex)) _vertices[digest] = vertex = new Vertex(name);
        if (!json.TryGetProperty("completed", out JsonElement completed) || vertex.Done) return;
        vertex.Done = true;
        vertex.Failed = json.TryGetProperty("error", out _);
        bool cached = json.TryGetProperty("cached", out _);
        TimeSpan took = json.TryGetProperty("started", out JsonElement started) ? completed.GetDateTimeOffset() - started.GetDateTimeOffset() : default;
        log.LogMessage(MessageImportance.Normal, "{0} {1}", name, vertex.Failed ? "FAILED" : cached ? "CACHED" : FormattableString.Invariant($"{took.TotalSeconds:0.0}s"));
    }

    private void ReadLog(JsonElement json)
    {
        string digest = json.GetProperty("vertex").GetString()!;
        if (!_vertices.TryGetValue(digest, out Vertex? vertex)) return;
        string text = vertex.Rest + Encoding.UTF8.GetString(json.GetProperty("data").GetBytesFromBase64());
        string[] lines = text.Split('\n');
        vertex.Rest = lines[^1];
        foreach (string line in lines.AsSpan(0, lines.Length - 1))
        {
            log.LogMessage(MessageImportance.Low, "{0}", line.TrimEnd('\r'));
            vertex.Output.Enqueue(line.TrimEnd('\r'));
            if (vertex.Output.Count > KeptLines) vertex.Output.Dequeue();
        }
    }

    private void ReadWarning(JsonElement json)
    {
        string text = Encoding.UTF8.GetString(json.GetProperty("short").GetBytesFromBase64());
        if (json.GetProperty("level").GetInt32() == 0)
        {
            log.LogWarning(null, "KIMG", null, null, 0, 0, 0, 0, "{0}", text);
            return;
        }

        int colon = text.IndexOf(": ", StringComparison.Ordinal);
        (string rule, string detail) = colon < 0 ? ("KIMG", text) : (text[..colon], text[(colon + 2)..]);
        string? url = json.TryGetProperty("url", out JsonElement link) ? link.GetString() : null;
        string? file = json.TryGetProperty("sourceInfo", out JsonElement source) ? source.GetProperty("filename").GetString() : null;
        (int line, int column, int endLine) = (0, 0, 0);
        if (json.TryGetProperty("range", out JsonElement ranges))
        {
            JsonElement start = ranges[0].GetProperty("start");
            line = start.GetProperty("line").GetInt32();
            column = start.TryGetProperty("character", out JsonElement character) ? character.GetInt32() + 1 : 1;
            endLine = ranges[0].GetProperty("end").GetProperty("line").GetInt32();
        }

        string place = FormattableString.Invariant($" (line {line})");
        if (line > 0 && detail.EndsWith(place, StringComparison.Ordinal)) detail = detail[..^place.Length];
        WriteWarning(rule, detail, url, file, line, column, endLine);
    }

    // kimg names the file as it was given to it, or by its name alone.
    private string FileOf(string named) =>
        dockerfile is not null && !Path.IsPathRooted(named) && Path.GetFileName(named) == Path.GetFileName(dockerfile) ? dockerfile : named;

    private sealed class Vertex(string name)
    {
        public string Name { get; } = name;

        public bool Done { get; set; }

        public bool Failed { get; set; }

        public Queue<string> Output { get; } = [];

        public string Rest { get; set; } = "";
    }
}
