using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Hosts;

/// <summary>What to change in a job, host by host, when it lacks a permission, a secret or user namespaces: the setting's name, and the lines to add.</summary>
internal static partial class CiAdvice
{
    private const string AllowNamespaces = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";

    /// <summary>The error with what this host's user can do about it.</summary>
    public static KimgException Advise(this CiHost ci, KimgException e) => Lines(ci, e) is not { } lines ? e : new KimgException(e.Code, e.Message, e)
    {
        Hint = e.Hint is null ? lines : e.Hint + "\n" + lines, Span = e.Span, StepExitCode = e.StepExitCode,
    };

    private static string? Lines(CiHost ci, KimgException e) => e.Code switch
    {
        ErrorCode.AuthenticationFailed or ErrorCode.AccessDenied when Registry().Match(e.Message) is { Success: true } match => Login(ci, match.Groups[1].Value),
        // What else stands in the way (ids, programs, sysctls) is the machine's, and the error says what to type there.
        ErrorCode.NoSandbox when Names(e, "seccomp") => OutOfContainer(ci.Name),
        ErrorCode.NoSandbox when Names(e, "apparmor") => PastAppArmor(ci.Name),
        _ => null,
    };

    private static string? Login(CiHost ci, string registry) => ci.Name switch
    {
        "github" when registry == "ghcr.io" =>
            "the job needs\npermissions:\n  contents: read\n  packages: write\nand, where kimg is started by run:\nenv:\n  GITHUB_TOKEN: ${{ github.token }}",
        "github" => $"add before this step\n- uses: docker/login-action@v3\n  with:\n    registry: {registry}\n    username: ${{{{ secrets.REGISTRY_USER }}}}\n    password: ${{{{ secrets.REGISTRY_PASSWORD }}}}",
        "gitlab" when registry == ci.OwnRegistry =>
            "the container registry must be on for the project (Settings > General > Visibility), and another project's must admit this one: Settings > CI/CD > Job token permissions there",
        "gitlab" =>
            $"add a masked variable DOCKER_AUTH_CONFIG (Settings > CI/CD > Variables):\n{{\"auths\": {{\"{registry}\": {{\"auth\": \"BASE64 OF USER:PASSWORD\"}}}}}}",
        "circleci" =>
            $"add DOCKER_LOGIN and DOCKER_PASSWORD to a context, the context to the job, and before the build\n- kimg/login:\n    registry: {registry}\n    username: DOCKER_LOGIN\n    password: DOCKER_PASSWORD",
        "azure" => "add before this step, with a service connection\n- task: Docker@2\n  inputs:\n    command: login\n    containerRegistry: CONNECTION",
        "jenkins" =>
            $"put the build into\nwithCredentials([usernamePassword(credentialsId: 'registry', usernameVariable: 'KIMG_REGISTRY_USER', passwordVariable: 'KIMG_REGISTRY_PASSWORD')]) {{ … }}\nwith\nenvironment {{ KIMG_REGISTRY = '{registry}' }}",
        "tekton" => "bind the task's workspace to a Secret of the type kubernetes.io/dockerconfigjson:\nworkspaces:\n  - name: credentials\n    secret:\n      secretName: registry",
        "none" => null,
        _ => $"add secrets to the pipeline: KIMG_REGISTRY={registry}, KIMG_REGISTRY_USER, KIMG_REGISTRY_PASSWORD",
    };

    private static bool Names(KimgException e, string reason) => e.Hint?.Contains(reason, StringComparison.OrdinalIgnoreCase) == true;

    private static string? OutOfContainer(string host) => host switch
    {
        "github" => "in the job, without container:\nruns-on: ubuntu-latest",
        "gitlab" => "in the runner's config.toml\n[runners.docker]\n  privileged = true\nor on Kubernetes what docs/kubernetes.md says of steps",
        "circleci" => "run the job in a machine\nexecutor: kimg/machine",
        "azure" => "run the job on the machine itself, without container:\npool:\n  vmImage: ubuntu-latest",
        "bitbucket" => "run the step on a runner of your own\nruns-on: [self.hosted, linux.shell]",
        "jenkins" or "tekton" or "buildkite" => "in a pod what docs/kubernetes.md says of steps; on a machine kimg doctor",
        _ => null,
    };

    // Reached without a container's seccomp filter only: on a machine, which is the host's own or the team's.
    private static string? PastAppArmor(string host) => host switch
    {
        "github" => $"where the action builds, in its step\nwith:\n  isolation-setup: auto\nwhere kimg is started by run:, before that step\n- run: {AllowNamespaces}",
        "azure" => $"add before this step\n- script: {AllowNamespaces}",
        "circleci" => $"in a machine kimg/install loads a profile, unless its isolation_setup is none; where kimg is installed otherwise, before the build\n- run: {AllowNamespaces}",
        "gitlab" or "jenkins" or "buildkite" or "bitbucket" or "tekton" =>
            $"on the machine that runs the jobs, once (or in a script before the build, where the job's user has sudo)\n{AllowNamespaces}",
        _ => null,
    };

    // As the engine's registry client words it.
    [GeneratedRegex("registry '([^']+)'")]
    private static partial Regex Registry();
}
