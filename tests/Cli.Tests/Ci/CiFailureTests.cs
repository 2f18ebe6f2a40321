using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

/// <summary>What a job lacks is told where its host shows errors, with the setting's name and the lines to add there.</summary>
public sealed class CiFailureTests : IDisposable
{
    private readonly TestHost _host = new();

    public CiFailureTests() => _host.Write("app/Dockerfile", "FROM scratch\n");

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("GITHUB_ACTIONS=true", "ghcr.io", "permissions:\n  hint:   contents: read\n  hint:   packages: write\n")]
    [InlineData("GITHUB_ACTIONS=true", "r.example", "- uses: docker/login-action@v3\n  hint:   with:\n  hint:     registry: r.example\n")]
    [InlineData("GITLAB_CI=true CI_REGISTRY=r.example", "r.example", "Settings > CI/CD > Job token permissions")]
    [InlineData("GITLAB_CI=true CI_REGISTRY=r.example", "docker.io", "DOCKER_AUTH_CONFIG (Settings > CI/CD > Variables):\n  hint: {\"auths\": {\"docker.io\":")]
    [InlineData("CIRCLECI=true", "docker.io", "- kimg/login:\n  hint:     registry: docker.io\n")]
    [InlineData("TF_BUILD=True", "a.azurecr.io", "- task: Docker@2\n")]
    [InlineData("JENKINS_URL=http://j/", "r.example", "passwordVariable: 'KIMG_REGISTRY_PASSWORD'")]
    [InlineData("BUILDKITE=true", "r.example", "KIMG_REGISTRY=r.example, KIMG_REGISTRY_USER, KIMG_REGISTRY_PASSWORD")]
    [InlineData("BITBUCKET_BUILD_NUMBER=1", "r.example", "KIMG_REGISTRY=r.example, KIMG_REGISTRY_USER, KIMG_REGISTRY_PASSWORD")]
    public async Task A_refused_push_says_what_the_job_lacks(string variables, string registry, string advice)
    {
        Set(variables);
        _host.Engine.Failure = new KimgException(ErrorCode.AccessDenied, $"upload to 'team/app': registry '{registry}' answered 403 Forbidden") { Hint = "check the account" };
        Assert.Equal(5, await _host.RunAsync("ci", "build", "--push", "-t", "r.example/app:1", "app"));
        Assert.Contains("  hint: check the account\n", _host.Error, StringComparison.Ordinal);
        Assert.Contains(advice, _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GITHUB_ACTIONS=true", "seccomp", "in the job, without container:\n  hint: runs-on: ubuntu-latest\n  more")]
    [InlineData("GITHUB_ACTIONS=true", "AppArmor", "where the action builds, in its step\n  hint: with:\n  hint:   isolation-setup: auto\n")]
    [InlineData("GITHUB_ACTIONS=true", "AppArmor", "where kimg is started by run:, before that step\n  hint: - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n")]
    [InlineData("GITLAB_CI=true", "seccomp", "privileged = true")]
    [InlineData("CIRCLECI=true", "seccomp", "executor: kimg/machine")]
    [InlineData("TF_BUILD=True", "seccomp", "vmImage: ubuntu-latest")]
    [InlineData("TF_BUILD=True", "AppArmor", "- script: sudo sysctl")]
    [InlineData("BITBUCKET_BUILD_NUMBER=1", "seccomp", "self.hosted")]
    [InlineData("CIRCLECI=true", "AppArmor", "unless its isolation_setup is none; where kimg is installed otherwise, before the build\n  hint: - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n")]
    [InlineData("GITLAB_CI=true", "AppArmor", "on the machine that runs the jobs, once (or in a script before the build, where the job's user has sudo)\n  hint: sudo sysctl -w ")]
    [InlineData("BUILDKITE=true", "seccomp", "docs/kubernetes.md")]
    [InlineData("BUILDKITE=true", "AppArmor", "on the machine that runs the jobs, once")]
    [InlineData("JENKINS_URL=http://j/", "AppArmor", "on the machine that runs the jobs, once")]
    [InlineData("BITBUCKET_BUILD_NUMBER=1", "AppArmor", "on the machine that runs the jobs, once")]
    public async Task Where_steps_cannot_be_isolated_the_hosts_setting_is_named(string variables, string reason, string advice)
    {
        Set(variables);
        _host.Engine.Failure = new KimgException(ErrorCode.NoSandbox, "this host refuses isolation 'userns': unshare: EPERM") { Hint = $"it is {reason}" };
        Assert.Equal(6, await _host.RunAsync("ci", "build", "app"));
        Assert.Contains($"  hint: it is {reason}\n", _host.Error, StringComparison.Ordinal);
        Assert.Contains(advice, _host.Error, StringComparison.Ordinal);
    }

    /// <summary>A job that AppArmor stops is on a machine already, and needs no privileges.</summary>
    [Theory]
    [InlineData("CIRCLECI=true", "executor: kimg/machine")]
    [InlineData("GITLAB_CI=true", "privileged = true")]
    public async Task Where_apparmor_stands_in_the_way_nothing_else_is_to_be_changed(string variables, string advice)
    {
        Set(variables);
        _host.Engine.Failure = new KimgException(ErrorCode.NoSandbox, "this host refuses isolation 'userns': unshare: EPERM") { Hint = "it is AppArmor" };
        Assert.Equal(6, await _host.RunAsync("ci", "build", "app"));
        Assert.DoesNotContain(advice, _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GITHUB_ACTIONS=true")]
    [InlineData("GITLAB_CI=true")]
    public async Task Where_only_the_machine_lacks_something_no_setting_of_the_host_is_named(string variables)
    {
        Set(variables);
        _host.Engine.Failure = new KimgException(ErrorCode.NoSandbox, "RUN cannot be isolated here: /etc/subuid and /etc/subgid give 'ci' no ids") { Hint = "usermod --add-subuids 100000-165535 ci" };
        Assert.Equal(6, await _host.RunAsync("ci", "build", "app"));
        Assert.Contains("  hint: usermod --add-subuids 100000-165535 ci\n  more:", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Elsewhere_nothing_is_added()
    {
        _host.Engine.Failure = new KimgException(ErrorCode.AccessDenied, "registry 'r.example' answered 403") { Hint = "check the account" };
        Assert.Equal(5, await _host.RunAsync("ci", "build", "app"));
        Assert.EndsWith("ERROR KIMG4003: registry 'r.example' answered 403\n  hint: check the account\n  more: kimg help KIMG4003\n", _host.Error, StringComparison.Ordinal);
    }

    /// <summary>Errors of the inputs themselves, before anything is built, and of what is no build.</summary>
    [Theory]
    [InlineData("push=true", "::error title=KIMG1005::a name is needed to push%0Aadd to the step:%0Awith:%0A  tags: ghcr.io/OWNER/NAME:TAG\n")]
    [InlineData("secret-files=id=/nope", "::error title=KIMG1010::")]
    [InlineData("cache=gha|tags=r.example/a:1", "::error title=KIMG1006::invalid value 'type=gha,scope=r.example/a' for --cache-from: ACTIONS_RESULTS_URL is not set%0A")]
    [InlineData("merge=sha256:1", "::error title=KIMG1001::merge needs names%0Aadd to the step:%0A")]
    [InlineData("push-from=nope|tags=r.example/a:1", "::error title=KIMG4003::registry 'ghcr.io' says no%0Acheck%0Athe job needs%0Apermissions:%0A")]
    [InlineData("isolation=all", "::error title=KIMG1001::invalid value 'all' for --isolation%0A")]
    public async Task Inputs_that_are_wrong_are_annotations_too(string inputs, string annotation)
    {
        Set("GITHUB_ACTIONS=true");
        _host.Engine.Failure = new KimgException(ErrorCode.AccessDenied, "registry 'ghcr.io' says no") { Hint = "check" };
        foreach (string pair in inputs.Split('|')) _host.Environment["INPUT_" + pair.Split('=', 2)[0].ToUpperInvariant()] = pair.Split('=', 2)[1];
        Assert.NotEqual(0, await _host.RunAsync("ci", "github"));
        Assert.Contains(annotation, _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--dotenv=taken/x")]
    [InlineData("--codequality=taken/x")]
    [InlineData("--sarif=taken/x")]
    [InlineData("--summary=taken/x")]
    public async Task A_report_that_cannot_be_written_is_named(string option)
    {
        _host.Write("taken", "a file, not a directory");
        Assert.Equal(8, await _host.RunAsync("ci", "build", option, "app"));
        Assert.Contains($"the file '{_host.WorkingDirectory}/taken/x' cannot be written", _host.Error, StringComparison.Ordinal);
    }

    private void Set(string variables)
    {
        foreach (string pair in variables.Split(' ')) _host.Environment[pair.Split('=')[0]] = pair[(pair.IndexOf('=') + 1)..];
    }
}
