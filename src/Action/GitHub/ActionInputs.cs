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

    private const string Prefix = "INPUT_";

    private static readonly ImmutableDictionary<string, string> s_refused = new Dictionary<string, string>
    {
        ["sign"] = "leave it out until kimg signs, and sign the output digest with cosign",
        ["verify-base"] = "leave it out until kimg verifies signatures, and verify base images with cosign in a step before",
        ["sep-tags"] = "the output tags has a line for each",
        ["sep-labels"] = "the output labels has a line for each",
        ["sep-annotations"] = "leave it out",
        ["bake-target"] = "leave it out; kimg has no bake files",
    }.ToImmutableDictionary();

    /// <summary>Trimmed; "" when it is not given.</summary>
    public string Text(string name) => (variable(Prefix + name.ToUpperInvariant()) ?? "").Trim();

    public string? Given(string name) => Text(name) is { Length: > 0 } text ? text : null;

    /// <summary>A record is an element.</summary>
    /// <param name="comments">As in metadata-action, where lines that begin with # are none.</param>
    public ImmutableArray<string> Lines(string name, bool comments = false, bool quotes = true) =>
        Elements(Records(name, comments, quotes).Select(r => string.Join(',', r.Fields)));

    /// <summary>A field is an element; of a record that is quoted as a whole, what stands between its commas.</summary>
    public ImmutableArray<string> List(string name) => Elements(Records(name).SelectMany(r => r.Fields is [var one] ? one.Split(',') : r.Fields.AsEnumerable()));

    /// <summary>Rules of metadata-action, whose fields are read later and keep their quotes till then.</summary>
    public ImmutableArray<string> Rules(string name) => Elements(Records(name, comments: true).Select(r => r.Fields is [var one] ? one : r.Text));

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

    /// <summary>Records KEY=VALUE; in quotes a value may have several lines.</summary>
    public IEnumerable<(string Key, string Value)> Pairs(string name) => Pairs(name, Lines(name));

    /// <summary>KEY=VALUE each.</summary>
    public static IEnumerable<(string Key, string Value)> Pairs(string name, IEnumerable<string> items)
    {
        foreach (string item in items)
        {
            int equals = item.IndexOf('=');
            if (equals <= 0) throw Invalid(name, "a line is not KEY=VALUE");
            yield return (item[..equals].Trim(), item[(equals + 1)..]);
        }
    }

    /// <summary>What the runner passes without action.yml declaring it: with a warning, which nobody reads.</summary>
    /// <param name="variables">All there are.</param>
    public void RefuseOthers(IEnumerable<string> variables)
    {
        foreach (string variable in variables.Where(v => v.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            string name = variable[Prefix.Length..].ToLowerInvariant();
            if (Names.Contains(name) || Given(name) is null) continue;
            if (s_refused.TryGetValue(name, out string? instead))
                throw new KimgException(ErrorCode.UnsupportedFeature, $"the input '{name}' is not supported") { Hint = instead };
            throw new KimgException(ErrorCode.InvalidArgument, $"there is no input '{name}'")
            {
                Hint = Suggestion.Nearest(name, Names) is { } near ? $"did you mean '{near}'?" : "docs/ci.md and action.yml list them",
            };
        }
    }

    private static ImmutableArray<string> Elements(IEnumerable<string> texts) => [.. texts.Select(text => text.Trim()).Where(text => text.Length > 0)];

    private List<CsvRecord> Records(string name, bool comments = false, bool quotes = true) =>
        CsvRecords.Read(Text(name), quotes, comments, why => Invalid(name, why));

    // The value may be a secret: it is not shown.
    private static KimgException Invalid(string name, string why) => new(ErrorCode.InvalidArgument, $"the input '{name}' is malformed: {why}")
    {
        Hint = "write a line for each: KEY=VALUE, or \"KEY=VALUE\" with quotes in it doubled",
    };
}
