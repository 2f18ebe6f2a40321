using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Cli.Progress;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Errors;

internal enum LogFormat
{
    Text,
    Logfmt,
    Json,
}

/// <summary>The one place where an error becomes text.</summary>
internal sealed class ErrorRenderer(LogFormat format, bool colours, bool debug)
{
    private static readonly SearchValues<char> s_quoted = SearchValues.Create(" \"=\n\r\t");

    /// <summary>Ends with a line break.</summary>
    public string Render(KimgException error, DateTimeOffset at) => format switch
    {
        LogFormat.Json => Json(error, at),
        LogFormat.Logfmt => Logfmt(error, at),
        _ => Text(error),
    };

    /// <summary>What is no <see cref="KimgException"/> is a bug of kimg, or the user's Ctrl-C.</summary>
    public static KimgException Classify(Exception e) => e switch
    {
        KimgException error => error,
        OperationCanceledException => new KimgException(ErrorCode.Interrupted, "interrupted"),
        AggregateException { InnerExceptions: [var only] } => Classify(only),
        _ => new KimgException(ErrorCode.Internal, $"internal error: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}", e)
        {
            Hint = "this is a bug in kimg: run it again with --debug and report what it prints, with 'kimg version' and the Dockerfile",
        },
    };

    private string Text(KimgException error)
    {
        var text = new StringBuilder();
        if (error.Span is { } span) text.Append(Excerpt.Render(span));
        string label = $"ERROR {error.Code.Name()}:";
        text.Append(colours ? $"\u001b[1;31m{label}\u001b[0m " : label + " ").Append(OutputSanitizer.OneLine(error.Message)).Append('\n');
        if (error.Hint is { } hint)
        {
            foreach (string line in hint.Split('\n')) text.Append("  hint: ").Append(OutputSanitizer.OneLine(line)).Append('\n');
        }

        if (error.Code is not (ErrorCode.Interrupted or ErrorCode.Internal)) text.Append("  more: kimg help ").Append(error.Code.Name()).Append('\n');
        if (debug) text.Append(error).Append('\n');
        return text.ToString();
    }

    private static IEnumerable<(string Key, string Value)> Fields(KimgException error, DateTimeOffset at)
    {
        yield return ("time", at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        yield return ("level", "error");
        yield return ("code", error.Code.Name());
        yield return ("message", error.Message);
        if (error.Hint is { } hint) yield return ("hint", hint);
        if (error.Span is not { } span) yield break;
        yield return ("file", span.File);
        yield return ("line", span.StartLine.ToString(CultureInfo.InvariantCulture));
        yield return ("column", span.StartColumn.ToString(CultureInfo.InvariantCulture));
        yield return ("endLine", span.EndLine.ToString(CultureInfo.InvariantCulture));
    }

    private string Logfmt(KimgException error, DateTimeOffset at)
    {
        IEnumerable<string> pairs = Fields(error, at).Select(f => $"{f.Key}={Quote(f.Value)}");
        return string.Join(' ', pairs) + (debug ? " stack=" + Quote(error.ToString()) : "") + "\n";
    }

    private static string Quote(string value)
    {
        if (value.Length > 0 && value.AsSpan().IndexOfAny(s_quoted) < 0) return OutputSanitizer.OneLine(value);
        string escaped = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .ReplaceLineEndings("\\n");
        return $"\"{OutputSanitizer.OneLine(escaped)}\"";
    }

    private string Json(KimgException error, DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach ((string key, string value) in Fields(error, at))
            {
                if (key is "line" or "column" or "endLine") json.WriteNumber(key, int.Parse(value, CultureInfo.InvariantCulture));
                else json.WriteString(key, value);
            }

            if (error.StepExitCode is { } code) json.WriteNumber("stepExitCode", code);
            json.WriteNumber("exitCode", error.ExitCode);
            if (debug) json.WriteString("stack", error.ToString());
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
