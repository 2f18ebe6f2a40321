using System.Text.Json;

namespace Kimg.Engine.Dockerfile;

/// <summary>A <c># name=value</c> line at the top of a Dockerfile. The line is 1-based.</summary>
internal sealed record ParserDirective(string Name, string Value, int Line)
{
    public const string Syntax = "syntax", Escape = "escape", Check = "check";

    /// <summary>The syntax directive in any of its forms: a <c>#</c> comment, a <c>//</c> comment, or the property of a JSON document. A first line
    /// that starts with <c>#!</c> is skipped.</summary>
    public static ParserDirective? DetectSyntax(string text) =>
        Find(text, Syntax, "#") ?? Find(text, Syntax, "//") ?? FromJson(text);

    /// <summary>The directive of this name among the first lines, or null. The comment prefix is <c>#</c> but for <see cref="DetectSyntax"/>.</summary>
    public static ParserDirective? Find(string text, string name, string prefix = "#")
    {
        var scanner = new DirectiveScanner(prefix);
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            number++;
            if (number == 1 && line.StartsWith("#!")) continue;
            if (scanner.Read(line, number) is { } directive && directive.Name == name) return directive;
            if (scanner.Done) return null;
        }

        return null;
    }

    private static ParserDirective? FromJson(string text)
    {
        if (!text.AsSpan().TrimStart('\uFEFF').TrimStart().StartsWith("{")) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text.TrimStart('\uFEFF'));
            return document.RootElement.TryGetProperty(Syntax, out JsonElement value) && value.ValueKind == JsonValueKind.String
                ? new ParserDirective(Syntax, value.GetString()!, 1)
                : null;
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>Reads directives line by line; the first line that is none ends them. Line breaks are not part of a line.</summary>
internal sealed class DirectiveScanner(string prefix = "#")
{
    private readonly HashSet<string> _seen = [];

    public bool Done { get; private set; }

    /// <summary>Set when a directive came twice; its second occurrence is not returned.</summary>
    public string? Repeated { get; private set; }

    public ParserDirective? Read(ReadOnlySpan<char> line, int number)
    {
        if (Done) return null;
        if (!line.StartsWith(prefix) || Split(line[prefix.Length..].TrimStart()) is not var (name, value)
            || name is not (ParserDirective.Syntax or ParserDirective.Escape or ParserDirective.Check))
        {
            Done = true;
            return null;
        }

        if (_seen.Add(name)) return new ParserDirective(name, value, number);
        Repeated = name;
        Done = true;
        return null;
    }

    private static (string Name, string Value)? Split(ReadOnlySpan<char> text)
    {
        int equals = text.IndexOf('=');
        if (equals < 1) return null;
        ReadOnlySpan<char> name = text[..equals].TrimEnd(" \t\f\r\n"), value = text[(equals + 1)..];
        if (name.IsEmpty || !char.IsAsciiLetter(name[0])) return null;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c)) return null;
        }

        if (value.IsEmpty) return null;
        ReadOnlySpan<char> trimmed = value.Trim(" \t\f\r\n");
        return (name.ToString().ToLowerInvariant(), (trimmed.IsEmpty ? value[^1..] : trimmed).ToString());
    }
}
