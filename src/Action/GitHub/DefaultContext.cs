using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.GitHub;

/// <summary><c>{{defaultContext}}</c> of docker/build-push-action: the repository at the commit that the job runs for, fetched by git.</summary>
internal static partial class DefaultContext
{
    /// <exception cref="KimgException">InvalidArgument: another name in braces.</exception>
    public static string Expand(string input, string text, Func<string, string?> variable) => Name().Replace(text, match => match.Groups[1].Value == "defaultContext"
        ? Url(variable)
        : throw new KimgException(ErrorCode.InvalidArgument, $"the input '{input}' has the unknown name '{match.Value}'") { Hint = "{{defaultContext}} is known" });

    // By the variables and not by what tags are made of: on pull_request_target that is the pull request, but this the base branch, which can be trusted.
    private static string Url(Func<string, string?> variable)
    {
        string commit = variable("GITHUB_SHA") ?? "", reference = variable("GITHUB_REF") ?? "";
        if (!reference.StartsWith("refs/pull/", StringComparison.Ordinal) && commit.Length > 0) reference = commit;
        else if (variable("DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF") == "true" && reference.EndsWith("/merge", StringComparison.Ordinal))
            reference = reference[..^"merge".Length] + "head";
        return $"{variable("GITHUB_SERVER_URL") ?? "https://github.com"}/{variable("GITHUB_REPOSITORY")}.git#{reference}";
    }

    [GeneratedRegex(@"\{\{\{?\s*([A-Za-z_]+)\s*\}?\}\}")]
    private static partial Regex Name();
}
