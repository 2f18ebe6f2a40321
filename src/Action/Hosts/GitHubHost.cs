using System.Text;
using System.Text.Json;
using Kimg.Ci.Reports;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Hosts;

/// <summary>GitHub Actions, also Gitea's and Forgejo's, which speak the same.</summary>
internal sealed class GitHubHost(Func<string, string?> variable) : CiHost("github", Read(variable), variable)
{
    // "10 warning annotations and 10 error annotations per step": docs, "Workflow commands".
    public override int AnnotationLimit => 10;

    public override string? SummaryFile => Variable("GITHUB_STEP_SUMMARY") is { Length: > 0 } file ? file : null;

    public override string BeginGroup(string id, string title, DateTimeOffset at) => $"::group::{Data(title)}\n";

    public override string EndGroup(string id, DateTimeOffset at) => "::endgroup::\n";

    public override string Annotate(CiAnnotation annotation)
    {
        var text = new StringBuilder(annotation.Error ? "::error" : "::warning");
        string separator = " ";
        void Add(string key, string value)
        {
            text.Append(separator).Append(key).Append('=').Append(Property(value));
            separator = ",";
        }

        if (annotation.File is { } file)
        {
            Add("file", file);
            if (annotation.Line > 0) Add("line", $"{annotation.Line}");
            if (annotation.EndLine > annotation.Line) Add("endLine", $"{annotation.EndLine}");
        }

        Add("title", annotation.Title);
        return text.Append("::").Append(Data(annotation.Message)).Append('\n').ToString();
    }

    public override string Mask(string secret) =>
        string.Concat(SecretLines(secret).Select(line => $"::add-mask::{Data(line)}\n"));

    public override string Publish(IReadOnlyList<KeyValuePair<string, string>> outputs)
    {
        if (Variable("GITHUB_OUTPUT") is not { Length: > 0 } file) return "";
        var text = new StringBuilder();
        foreach ((string name, string value) in outputs)
        {
            // A delimiter that the value cannot hold.
            string delimiter = "kimg_" + Digest.Sha256(value).Hex[..16];
            text.Append(name).Append("<<").Append(delimiter).Append('\n').Append(value).Append('\n').Append(delimiter).Append('\n');
        }

        ReportFile.Append(file, text.ToString());
        return "";
    }

    private static string Data(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal)
        .Replace("\n", "%0A", StringComparison.Ordinal);

    private static string Property(string text) => Data(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);

    private static CiFacts Read(Func<string, string?> variable)
    {
        string server = variable("GITHUB_SERVER_URL") ?? "https://github.com", full = variable("GITHUB_REPOSITORY") ?? "";
        // There the variables name the base branch, whose tags are not for what comes from anyone's fork. Which pull request it is the event says.
        bool target = variable("GITHUB_EVENT_NAME") is { } name && name.Contains("pull_request_target", StringComparison.Ordinal);
        CiFacts facts = new()
        {
            Ref = target ? "" : variable("GITHUB_REF") ?? "",
            Commit = variable("GITHUB_SHA") ?? "",
            Event = variable("GITHUB_EVENT_NAME") ?? "",
            BaseBranch = variable("GITHUB_BASE_REF") is { Length: > 0 } into ? into : null,
            Repository = full.Split('/')[^1],
            Url = full.Length == 0 ? "" : $"{server}/{full}",
            RunUrl = variable("GITHUB_RUN_ID") is { Length: > 0 } run ? $"{server}/{full}/actions/runs/{run}" : null,
            Builder = variable("GITHUB_WORKFLOW_REF") is { Length: > 0 } workflow ? $"{server}/{workflow}" : null,
            DefaultImage = full.Length > 0 && server == "https://github.com" ? "ghcr.io/" + full.ToLowerInvariant() : null,
            Workspace = variable("GITHUB_WORKSPACE") is { Length: > 0 } workspace ? workspace : null,
        };
        if (variable("GITHUB_EVENT_PATH") is not { Length: > 0 } path || !File.Exists(path)) return facts;
        try
        {
            using JsonDocument payload = JsonDocument.Parse(File.ReadAllBytes(path));
            return WithPayload(target && Number(payload.RootElement) is { } number ? facts with { Ref = $"refs/pull/{number}/merge" } : facts, payload.RootElement);
        }
        catch (JsonException e)
        {
            throw new KimgException(ErrorCode.InvalidConfigurationFile, $"the event in '{path}' (GITHUB_EVENT_PATH) is not JSON", e);
        }
    }

    private static CiFacts WithPayload(CiFacts facts, JsonElement payload)
    {
        JsonElement? repository = Member(payload, "repository");
        string? date = Text(Member(payload, "head_commit"), "timestamp");
        string? pushedFrom = Text(payload, "base_ref"), target = Text(Member(Member(payload, "pull_request"), "base"), "ref");
        return facts with
        {
            HeadCommit = Text(Member(Member(payload, "pull_request"), "head"), "sha"),
            DefaultBranch = Text(repository, "default_branch"),
            Description = Text(repository, "description") ?? "",
            Url = Text(repository, "html_url") ?? facts.Url,
            License = Text(Member(repository, "license"), "spdx_id") ?? "",
            BaseBranch = facts.Tag is not null ? pushedFrom?.Replace("refs/heads/", "", StringComparison.Ordinal) : target ?? facts.BaseBranch,
            CommitDate = DateTimeOffset.TryParse(date, System.Globalization.CultureInfo.InvariantCulture, out DateTimeOffset at) ? at : null,
        };
    }

    private static long? Number(JsonElement payload) =>
        (Member(payload, "number") ?? Member(Member(payload, "pull_request"), "number")) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out long value) ? value : null;

    private static JsonElement? Member(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } e && e.TryGetProperty(name, out JsonElement found) ? found : null;

    private static string? Text(JsonElement? element, string name) => Member(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
