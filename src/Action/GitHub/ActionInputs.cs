using System.Collections.Immutable;
using Kimg.Ci.Metadata;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.GitHub;

/// <summary>The inputs of action.yml, as the runner passes them: INPUT_ and the name in capitals, blanks as underscores, dashes as they are.</summary>
internal sealed class ActionInputs(Func<string, string?> variable)
{
    public static readonly ImmutableArray<string> Names =
    [
        "add-hosts", "allow", "annotations", "attests", "build-args", "build-contexts", "builder", "cache-from", "cache-to", "call", "cgroup-parent", "context",
        "file", "labels", "load", "network", "no-cache", "no-cache-filters", "outputs", "platforms", "provenance", "pull", "push", "sbom", "secrets",
        "secret-envs", "secret-files", "shm-size", "ssh", "tags", "target", "ulimit", "github-token",
        "images", "flavor", "version", "isolation", "isolation-setup", "cache", "cache-mounts", "check", "push-from", "merge", "summary", "annotate", "comment",
        "sarif", "registry-insecure",
    ];

    /// <summary>Trimmed; "" when it is not given.</summary>
    public string Text(string name) => (variable("INPUT_" + name.ToUpperInvariant()) ?? "").Trim();

    public string? Given(string name) => Text(name) is { Length: > 0 } text ? text : null;

    /// <summary>A line is an element. Lines of comments as in metadata-action: what begins with #.</summary>
    public ImmutableArray<string> Lines(string name) =>
        [.. Text(name).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#'))];

    /// <summary>Lines, and commas within them, separate elements.</summary>
    public ImmutableArray<string> List(string name) => [.. Lines(name).SelectMany(RuleFields.Split).Select(item => item.Trim()).Where(item => item.Length > 0)];

    public bool Flag(string name, bool standard = false) => Text(name) switch
    {
        "" => standard,
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        var other => throw new KimgException(ErrorCode.InvalidArgument, $"the input '{name}' is '{other}'") { Hint = $"write {name}: true or {name}: false" },
    };

    public string Choice(string name, string standard, params string[] choices)
    {
        string value = Given(name) ?? standard;
        return choices.Contains(value) ? value : throw new KimgException(ErrorCode.InvalidArgument, $"the input '{name}' is '{value}'")
        {
            Hint = (Suggestion.Nearest(value, choices) is { } near ? $"did you mean '{near}'? " : "") + "it takes " + string.Join(", ", choices),
        };
    }

    /// <summary>KEY=VALUE lines; a value in double quotes may have several lines (build-push-action's secrets).</summary>
    public IEnumerable<(string Key, string Value)> Pairs(string name)
    {
        string text = Text(name);
        int at = 0;
        while (at < text.Length)
        {
            int end = text.IndexOf('\n', at);
            string line = (end < 0 ? text[at..] : text[at..end]).Trim();
            int next = end < 0 ? text.Length : end + 1;
            if (line.StartsWith('"') && (!line.EndsWith('"') || line.Length == 1))
            {
                int close = text.IndexOf("\"\n", at + 1, StringComparison.Ordinal);
                if (close < 0 && text.EndsWith('"')) close = text.Length - 1;
                if (close < 0) throw Invalid(name, "a quote is not closed");
                line = text[text.IndexOf('"', at)..(close + 1)];
                next = Math.Min(text.Length, close + 2);
            }

            at = next;
            if (line.Length == 0) continue;
            if (line.Length > 1 && line[0] == '"' && line[^1] == '"') line = line[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal);
            int equals = line.IndexOf('=');
            if (equals <= 0) throw Invalid(name, "a line is not KEY=VALUE");
            yield return (line[..equals].Trim(), line[(equals + 1)..]);
        }
    }

    // The value may be a secret: it is not shown.
    private static KimgException Invalid(string name, string why) => new(ErrorCode.InvalidArgument, $"the input '{name}' is malformed: {why}")
    {
        Hint = "write a line for each: KEY=VALUE",
    };
}
