namespace Kimg.Ci.Hosts;

/// <summary>GitLab CI. Messages on lines go through the code quality report, results through the dotenv report; the log only folds.</summary>
internal sealed class GitLabHost(Func<string, string?> variable) : CiHost("gitlab", Read(variable), variable)
{
    // docs.gitlab.com/ci/jobs/job_logs: custom collapsible sections.
    public override string BeginGroup(string id, string title, DateTimeOffset at) => $"\u001b[0Ksection_start:{at.ToUnixTimeSeconds()}:{id}\r\u001b[0K{title}\n";

    public override string EndGroup(string id, DateTimeOffset at) => $"\u001b[0Ksection_end:{at.ToUnixTimeSeconds()}:{id}\r\u001b[0K\n";

    public override string? OwnRegistry => Variable("CI_REGISTRY");

    private static CiFacts Read(Func<string, string?> variable) => new()
    {
        Ref = CiFacts.RefOf(variable("CI_COMMIT_TAG"), variable("CI_MERGE_REQUEST_IID"), variable("CI_COMMIT_BRANCH")),
        Commit = variable("CI_COMMIT_SHA") ?? "",
        Event = variable("CI_PIPELINE_SOURCE") switch
        {
            "merge_request_event" => "pull_request",
            var source => source ?? "",
        },
        DefaultBranch = variable("CI_DEFAULT_BRANCH"),
        BaseBranch = variable("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        Repository = variable("CI_PROJECT_NAME") ?? "",
        Description = variable("CI_PROJECT_DESCRIPTION") ?? "",
        Url = CiFacts.UrlOf(variable("CI_PROJECT_URL")),
        RunUrl = variable("CI_JOB_URL"),
        // As in the provenance that GitLab's own runner writes.
        Builder = variable("CI_RUNNER_ID") is { Length: > 0 } runner ? $"{variable("CI_PROJECT_URL")}/-/runners/{runner}" : null,
        DefaultImage = variable("CI_REGISTRY_IMAGE") is { Length: > 0 } image ? image : null,
        Workspace = variable("CI_PROJECT_DIR"),
        CommitDate = DateTimeOffset.TryParse(variable("CI_COMMIT_TIMESTAMP"), System.Globalization.CultureInfo.InvariantCulture, out DateTimeOffset at) ? at : null,
    };
}
