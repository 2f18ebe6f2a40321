using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>An error as <c>kimg --log-format json</c> writes it, on one line.</summary>
internal sealed record KimgFailure(string Code, string Message, string? Hint)
{
    public string? File { get; init; }

    /// <summary>From 1; 0: there is no place.</summary>
    public int Line { get; init; }

    public int Column { get; init; }

    public int EndLine { get; init; }

    public static KimgFailure? TryRead(JsonElement json)
    {
        if (Text(json, "code") is not { } code || Text(json, "message") is not { } message) return null;
        return new KimgFailure(code, message, Text(json, "hint"))
        {
            File = Text(json, "file"),
            Line = Number(json, "line"),
            Column = Number(json, "column"),
            EndLine = Number(json, "endLine"),
        };
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static int Number(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : 0;
}
