using System.Collections.Frozen;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Xunit;

namespace Kimg.Engine.Tests.Registry.Credentials;

/// <summary>What each CI host gives a job for its own registries, and nobody else.</summary>
public sealed class CiCredentialTests
{
    private const string GitLab = "GITLAB_CI=true CI_REGISTRY=registry.gitlab.example CI_JOB_TOKEN=job ";

    [Theory]
    [InlineData(GitLab + "CI_REGISTRY_USER=gitlab-ci-token CI_REGISTRY_PASSWORD=pw", "registry.gitlab.example", "gitlab-ci-token", "pw", "CI_REGISTRY_PASSWORD")]
    [InlineData(GitLab, "registry.gitlab.example", "gitlab-ci-token", "job", "CI_JOB_TOKEN")]
    [InlineData(GitLab + "CI_REGISTRY_USER=deploy CI_REGISTRY_PASSWORD=", "registry.gitlab.example", "gitlab-ci-token", "job", "CI_JOB_TOKEN")]
    [InlineData("GITLAB_CI=true CI_REGISTRY=registry.example:5050 CI_JOB_TOKEN=job", "registry.example:5050", "gitlab-ci-token", "job", "CI_JOB_TOKEN")]
    [InlineData(GitLab + "CI_DEPENDENCY_PROXY_SERVER=gitlab.example:443 CI_DEPENDENCY_PROXY_USER=u CI_DEPENDENCY_PROXY_PASSWORD=p", "gitlab.example", "u", "p", "CI_DEPENDENCY_PROXY_PASSWORD")]
    [InlineData(GitLab + "CI_DEPENDENCY_PROXY_SERVER=gitlab.example:443 CI_DEPENDENCY_PROXY_USER=u CI_DEPENDENCY_PROXY_PASSWORD=p", "gitlab.example:443", "u", "p", "CI_DEPENDENCY_PROXY_PASSWORD")]
    [InlineData("GITHUB_ACTIONS=true GITHUB_ACTOR=octocat GITHUB_TOKEN=t", "ghcr.io", "octocat", "t", "GITHUB_TOKEN")]
    [InlineData("CIRCLECI=true DOCKER_USERNAME=u DOCKER_PASSWORD=p", "docker.io", "u", "p", "DOCKER_USERNAME")]
    [InlineData("TF_BUILD=True KIMG_REGISTRY=a.azurecr.io KIMG_REGISTRY_USER=u KIMG_REGISTRY_PASSWORD=p", "a.azurecr.io", "u", "p", "KIMG_REGISTRY_USER")]
    public async Task A_job_has_what_its_host_gives_it(string variables, string registry, string user, string password, string source)
    {
        Credential? found = await Chain(variables).FindAsync(registry, CancellationToken.None);
        Assert.Equal((user, password, source), (found?.Username, found?.Password.Reveal(), found?.Source));
    }

    [Theory]
    // Another host's variables, which anybody may set.
    [InlineData("CI_REGISTRY=registry.gitlab.example CI_JOB_TOKEN=job", "registry.gitlab.example")]
    [InlineData("GITHUB_ACTOR=octocat GITHUB_TOKEN=t", "ghcr.io")]
    [InlineData("CIRCLECI=true GITHUB_ACTOR=octocat GITHUB_TOKEN=t", "ghcr.io")]
    [InlineData("BUILDKITE=true CI_REGISTRY=r.example CI_JOB_TOKEN=job", "r.example")]
    // Other registries.
    [InlineData(GitLab, "registry.gitlab.example.evil.org")]
    [InlineData(GitLab, "registry.gitlab.example:5000")]
    [InlineData(GitLab, "docker.io")]
    [InlineData("GITHUB_ACTIONS=true GITHUB_ACTOR=octocat GITHUB_TOKEN=t", "docker.io")]
    [InlineData("GITHUB_ACTIONS=true GITHUB_ACTOR=octocat GITHUB_TOKEN=t", "github.com")]
    // Half of it.
    [InlineData("GITHUB_ACTIONS=true GITHUB_ACTOR=octocat", "ghcr.io")]
    [InlineData("GITHUB_ACTIONS=true GITHUB_TOKEN=t", "ghcr.io")]
    [InlineData("GITLAB_CI=true CI_JOB_TOKEN=job", "registry.gitlab.example")]
    [InlineData("GITLAB_CI=true CI_REGISTRY=registry.gitlab.example", "registry.gitlab.example")]
    public async Task Nobody_else_gets_it(string variables, string registry) => Assert.Null(await Chain(variables).FindAsync(registry, CancellationToken.None));

    private static CredentialChain Chain(string variables) => CredentialChain.Create(new CredentialOptions
    {
        Environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .Append(["AWS_EC2_METADATA_DISABLED", "true"]).ToFrozenDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal),
    });
}
