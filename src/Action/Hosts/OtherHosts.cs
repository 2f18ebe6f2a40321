using Kimg.Ci.Reports;

namespace Kimg.Ci.Hosts;

/// <summary>CircleCI: results are exported to later steps of the job by BASH_ENV.</summary>
internal sealed class CircleHost(Func<string, string?> variable) : CiHost("circleci", Read(variable), variable)
{
    public override string Publish(IReadOnlyList<KeyValuePair<string, string>> outputs)
    {
        if (Variable("BASH_ENV") is { Length: > 0 } file)
            ReportFile.Append(file, string.Concat(outputs.Select(o => $"export {VariableName(o.Key)}='{o.Value.Replace("'", "'\\''", StringComparison.Ordinal)}'\n")));
        return "";
    }

    private static CiFacts Read(Func<string, string?> variable) => new()
    {
        Ref = CiFacts.RefOf(variable("CIRCLE_TAG"), variable("CIRCLE_PULL_REQUEST")?.Split('/')[^1], variable("CIRCLE_BRANCH")),
        Commit = variable("CIRCLE_SHA1") ?? "",
        Event = variable("CIRCLE_PULL_REQUEST") is { Length: > 0 } ? "pull_request" : "push",
        Repository = variable("CIRCLE_PROJECT_REPONAME") ?? "",
        Url = CiFacts.UrlOf(variable("CIRCLE_REPOSITORY_URL")),
        RunUrl = variable("CIRCLE_BUILD_URL"),
        // The issuer of the job's own OpenID tokens.
        Builder = variable("CIRCLE_ORGANIZATION_ID") is { Length: > 0 } organization ? $"https://oidc.circleci.com/org/{organization}" : null,
        Workspace = variable("CIRCLE_WORKING_DIRECTORY") is { } directory && Path.IsPathRooted(directory) ? directory : null,
    };
}

/// <summary>Buildkite: a line that begins with dashes folds what follows it.</summary>
internal sealed class BuildkiteHost(Func<string, string?> variable) : CiHost("buildkite", Read(variable), variable)
{
    public override string BeginGroup(string id, string title, DateTimeOffset at) => $"--- {OneLine(title)}\n";

    // Opens what comes next, so that it is not folded into the group.
    public override string EndGroup(string id, DateTimeOffset at) => "+++ result\n";

    private static CiFacts Read(Func<string, string?> variable) => new()
    {
        Ref = CiFacts.RefOf(variable("BUILDKITE_TAG"), variable("BUILDKITE_PULL_REQUEST"), variable("BUILDKITE_BRANCH")),
        Commit = variable("BUILDKITE_COMMIT") ?? "",
        Event = variable("BUILDKITE_SOURCE") == "schedule" ? "schedule" : "push",
        DefaultBranch = variable("BUILDKITE_PIPELINE_DEFAULT_BRANCH"),
        BaseBranch = variable("BUILDKITE_PULL_REQUEST_BASE_BRANCH") is { Length: > 0 } target ? target : null,
        Repository = variable("BUILDKITE_PIPELINE_SLUG") ?? "",
        Url = CiFacts.UrlOf(variable("BUILDKITE_REPO")),
        RunUrl = variable("BUILDKITE_BUILD_URL"),
        Builder = variable("BUILDKITE_BUILD_URL")?.Split("/builds/")[0],
        Workspace = variable("BUILDKITE_BUILD_CHECKOUT_PATH"),
    };
}

/// <summary>Tekton: results are files in /tekton/results; only those that the Task declares are taken, so others do no harm.</summary>
internal sealed class TektonHost(string directory, Func<string, string?> variable) : CiHost("tekton", PlainHosts.Given(variable), variable)
{
    public const string Results = "/tekton/results";

    // The names that Tekton Chains looks for: IMAGE_URL and IMAGE_DIGEST.
    public override string Publish(IReadOnlyList<KeyValuePair<string, string>> outputs)
    {
        foreach ((string name, string value) in outputs)
        {
            // The controller takes a few kilobytes of results in all.
            if (value.Length > 1024) continue;
            ReportFile.Write(Path.Combine(directory, name), value);
            if (name == "digest") ReportFile.Write(Path.Combine(directory, "IMAGE_DIGEST"), value);
            if (name == "image") ReportFile.Write(Path.Combine(directory, "IMAGE_URL"), value);
        }

        return "";
    }
}

/// <summary>Hosts of which only the facts differ from a plain log.</summary>
internal static class PlainHosts
{
    public static CiHost Jenkins(Func<string, string?> variable) => new("jenkins", new CiFacts
    {
        Ref = CiFacts.RefOf(variable("TAG_NAME"), variable("CHANGE_ID"), (variable("BRANCH_NAME") ?? variable("GIT_BRANCH"))?.Replace("origin/", "", StringComparison.Ordinal)),
        Commit = variable("GIT_COMMIT") ?? "",
        Event = variable("CHANGE_ID") is { Length: > 0 } ? "pull_request" : "push",
        BaseBranch = variable("CHANGE_TARGET"),
        Repository = (variable("JOB_NAME") ?? "").Split('/')[0],
        Url = CiFacts.UrlOf(variable("GIT_URL")),
        RunUrl = variable("BUILD_URL"),
        Builder = variable("JENKINS_URL"),
        Workspace = variable("WORKSPACE"),
    }, variable);

    public static CiHost Bitbucket(Func<string, string?> variable) => new("bitbucket", new CiFacts
    {
        Ref = CiFacts.RefOf(variable("BITBUCKET_TAG"), variable("BITBUCKET_PR_ID"), variable("BITBUCKET_BRANCH")),
        Commit = variable("BITBUCKET_COMMIT") ?? "",
        Event = variable("BITBUCKET_PR_ID") is { Length: > 0 } ? "pull_request" : "push",
        BaseBranch = variable("BITBUCKET_PR_DESTINATION_BRANCH"),
        Repository = variable("BITBUCKET_REPO_SLUG") ?? "",
        Url = CiFacts.UrlOf(variable("BITBUCKET_GIT_HTTP_ORIGIN")),
        RunUrl = Pipelines(variable) is { } pipelines ? $"{pipelines}/results/{variable("BITBUCKET_BUILD_NUMBER")}" : null,
        Builder = Pipelines(variable),
        Workspace = variable("BITBUCKET_CLONE_DIR"),
    }, variable);

    /// <summary>For hosts that tell a step nothing: the pipeline passes it on.</summary>
    public static CiFacts Given(Func<string, string?> variable)
    {
        string reference = variable("KIMG_CI_REF") ?? "", url = CiFacts.UrlOf(variable("KIMG_CI_URL"));
        return new CiFacts
        {
            Ref = reference.Length == 0 || reference.StartsWith("refs/", StringComparison.Ordinal) ? reference : "refs/heads/" + reference,
            Commit = variable("KIMG_CI_COMMIT") ?? "",
            Event = reference.Length > 0 ? "push" : "",
            Repository = url.Split('/')[^1].Replace(".git", "", StringComparison.Ordinal),
            Url = url,
            RunUrl = NotEmpty(variable("KIMG_CI_RUN")),
            Builder = NotEmpty(variable("KIMG_CI_BUILDER")),
        };
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string? Pipelines(Func<string, string?> variable) =>
        variable("BITBUCKET_REPO_FULL_NAME") is { Length: > 0 } name ? $"https://bitbucket.org/{name}/pipelines" : null;
}
