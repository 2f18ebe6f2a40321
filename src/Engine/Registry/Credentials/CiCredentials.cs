using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>What CI hosts give each job for their own registries: GitLab's registry and dependency proxy, GitHub's ghcr.io.</summary>
internal static class CiCredentials
{
    /// <summary>null: this is no such job.</summary>
    public static FixedCredentials? Create(CredentialOptions options)
    {
        var known = new List<ExplicitCredential>();
        void Add(string? registry, string? user, string? password, string source)
        {
            if (registry is null || user is null || password is null) return;
            var credential = new Credential(user, new Secret(password)) { Source = source };
            known.Add(new ExplicitCredential(registry, credential));
            // GitLab gives the dependency proxy's host with the port that image names leave out.
            if (registry.EndsWith(":443", StringComparison.Ordinal)) known.Add(new ExplicitCredential(registry[..^4], credential));
        }

        if (options.Variable("GITLAB_CI") is not null)
        {
            Add(options.Variable("CI_REGISTRY"), options.Variable("CI_REGISTRY_USER"), options.Variable("CI_REGISTRY_PASSWORD"), "CI_REGISTRY_PASSWORD");
            Add(options.Variable("CI_REGISTRY"), "gitlab-ci-token", options.Variable("CI_JOB_TOKEN"), "CI_JOB_TOKEN");
            Add(
                options.Variable("CI_DEPENDENCY_PROXY_SERVER"), options.Variable("CI_DEPENDENCY_PROXY_USER"), options.Variable("CI_DEPENDENCY_PROXY_PASSWORD"),
                "CI_DEPENDENCY_PROXY_PASSWORD");
        }

        if (options.Variable("GITHUB_ACTIONS") is not null) Add("ghcr.io", options.Variable("GITHUB_ACTOR"), options.Variable("GITHUB_TOKEN"), "GITHUB_TOKEN");
        return known.Count == 0 ? null : new FixedCredentials("CI job", [.. known]);
    }
}
