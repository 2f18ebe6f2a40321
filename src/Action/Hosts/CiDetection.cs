namespace Kimg.Ci.Hosts;

/// <summary>Which CI system this is, by the variables that each documents as always set.</summary>
internal static class CiDetection
{
    /// <param name="tektonResults">Where Tekton mounts a task's results.</param>
    public static CiHost Detect(Func<string, string?> variable, string tektonResults = TektonHost.Results)
    {
        bool Is(string name, string value) => string.Equals(variable(name), value, StringComparison.OrdinalIgnoreCase);
        return Is("GITHUB_ACTIONS", "true") ? new GitHubHost(variable)
            : Is("GITLAB_CI", "true") ? new GitLabHost(variable)
            : Is("CIRCLECI", "true") ? new CircleHost(variable)
            : Is("TF_BUILD", "True") ? new AzureHost(variable)
            : Is("BUILDKITE", "true") ? new BuildkiteHost(variable)
            : variable("BITBUCKET_BUILD_NUMBER") is { Length: > 0 } ? PlainHosts.Bitbucket(variable)
            : variable("JENKINS_URL") is { Length: > 0 } ? PlainHosts.Jenkins(variable)
            : Directory.Exists(tektonResults) ? new TektonHost(tektonResults, variable)
            : new CiHost("none", PlainHosts.Given(variable), variable);
    }
}
