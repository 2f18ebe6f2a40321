using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kimg.Conformance;

/// <summary><c>expected.json</c>: written one entry per line, compared as lines.</summary>
internal static class Expectation
{
    private static readonly JsonSerializerOptions s_wide = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Read(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    public static string Format(JsonObject result)
    {
        StringBuilder text = new("{");
        string separator = "\n";
        foreach ((string key, JsonNode? value) in result)
        {
            text.Append(separator).Append("  ").Append(Wide(key)).Append(": ");
            Append(text, value, "  ", key switch { "platforms" => 4, "layers" or "config" or "call" => 2, _ => 1 });
            separator = ",\n";
        }

        return text.Append("\n}\n").ToString();
    }

    /// <summary>Empty when the images are the same; otherwise a line each of what is missing (-) and what is too much (+).</summary>
    public static IReadOnlyList<string> Compare(JsonObject expected, JsonObject actual)
    {
        if (expected["error"] is { } error && error["line"] is null && actual["error"] is not null)
        {
            // BuildKit does not always say where.
            actual = actual.DeepClone().AsObject();
            actual["error"]!["line"] = null;
        }

        List<string> wanted = Lines(expected), got = Lines(WithoutFreeTimes(expected, actual));
        return [.. wanted.Except(got).Select(l => "- " + l), .. got.Except(wanted).Select(l => "+ " + l)];
    }

    private static List<string> Lines(JsonObject result)
    {
        List<string> lines = [];
        if (result["error"] is { } error)
        {
            lines.Add($"exit {error["exit"]}, line {error["line"]}");
            return lines;
        }

        if (result["call"] is { } call)
        {
            lines.Add($"succeeds: {call["succeeds"]}");
            lines.AddRange(call["text"]!.AsArray().Select((line, i) => $"line {i + 1}: {line}"));
            lines.Add($"json: {Sorted(call["json"])}");
            return lines;
        }

        if (result["platforms"] is JsonObject platforms)
        {
            foreach ((string platform, JsonNode? image) in platforms) lines.AddRange(Lines(image!.AsObject()).Select(line => $"{platform}: {line}"));
            return lines;
        }

        foreach ((JsonNode? layer, int number) in result["layers"]!.AsArray().Select((l, i) => (l, i)))
        {
            lines.Add($"layer {number} {{");
            lines.AddRange(layer!.AsArray().Select(entry => $"layer {number}: {Sorted(entry)}"));
        }

        foreach ((JsonNode? step, int number) in result["history"]!.AsArray().Select((s, i) => (s, i)))
            lines.Add($"history {number}: {Sorted(step)}");
        foreach ((string key, JsonNode? value) in result["config"]!.AsObject().Where(p => p.Key != "config"))
            lines.Add($"{key}: {Sorted(value)}");
        foreach ((string key, JsonNode? value) in result["config"]!["config"]?.AsObject() ?? [])
            lines.Add($"config {key}: {Sorted(value)}");
        return lines;
    }

    /// <summary>A time that BuildKit took from its clock was not recorded, and is free.</summary>
    private static JsonObject WithoutFreeTimes(JsonObject expected, JsonObject actual)
    {
        JsonObject result = actual.DeepClone().AsObject();
        foreach ((JsonNode? wanted, JsonNode? got) in Pairs(expected, result))
        {
            HashSet<string> timed = [.. wanted!.AsArray().Where(e => e!["mtime"] is not null).Select(e => e!["path"]!.GetValue<string>())];
            foreach (JsonNode? entry in got!.AsArray().Where(e => !timed.Contains(e!["path"]!.GetValue<string>())))
                entry!.AsObject().Remove("mtime");
        }

        return result;
    }

    private static IEnumerable<(JsonNode?, JsonNode?)> Pairs(JsonObject expected, JsonObject actual)
    {
        if (expected["platforms"] is JsonObject all)
            return all.SelectMany(p => actual["platforms"]?[p.Key] is JsonObject image ? Pairs(p.Value!.AsObject(), image) : []);
        return (expected["layers"] as JsonArray ?? []).Zip(actual["layers"] as JsonArray ?? []);
    }

    private static void Append(StringBuilder text, JsonNode? node, string indent, int depth)
    {
        if (depth == 0 || node is not (JsonArray { Count: > 0 } or JsonObject { Count: > 0 }))
        {
            text.Append(Wide(node));
            return;
        }

        bool array = node is JsonArray;
        IEnumerable<(string? Key, JsonNode? Value)> items =
            node is JsonArray list ? list.Select(v => ((string?)null, v)) : node.AsObject().Select(p => ((string?)p.Key, p.Value));
        text.Append(array ? '[' : '{');
        string separator = "\n";
        foreach ((string? key, JsonNode? value) in items)
        {
            text.Append(separator).Append(indent).Append("  ");
            if (key is not null) text.Append(Wide(key)).Append(": ");
            Append(text, value, indent + "  ", depth - 1);
            separator = ",\n";
        }

        text.Append('\n').Append(indent).Append(array ? ']' : '}');
    }

    private static string Wide(JsonNode? node) => node?.ToJsonString(s_wide) ?? "null";

    /// <summary>One text for one value, whatever order an object's names have.</summary>
    private static string Sorted(JsonNode? node) => node switch
    {
        JsonObject o => "{" + string.Join(", ", o.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {Sorted(p.Value)}")) + "}",
        JsonArray a => "[" + string.Join(", ", a.Select(Sorted)) + "]",
        _ => Wide(node),
    };
}
