using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>Pods of Kaniko and Kimia in which the image is another one and nothing else: what is started, as whom and with which variables is what kimg's image says.</summary>
public sealed class ImageSwapTests : IAsyncLifetime
{
    private DebianRegistry _registry = null!;

    private string Login => "{\"auths\":{\"" + _registry.Host + "\":{\"auth\":\"Z2l0bGFiLWNpLXRva2VuOmpvYi10b2tlbg==\"}}}";

    public async Task InitializeAsync() => _registry = await DebianRegistry.StartAsync(GitLabTests.JobToken);

    public Task DisposeAsync()
    {
        _registry.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>The shape of Kaniko's own example: args for the image's ENTRYPOINT, the context on a volume, the Secret where Kaniko's DOCKER_CONFIG is.</summary>
    [Theory]
    [InlineData("kimg-image-amd64")]
    [InlineData("debug-image-amd64")]
    public Task A_pod_of_kaniko_builds_and_pushes(string image) => BuildsAsync(image, """
        {
          "containers": [{
            "name": "kaniko", "image": "IMAGE",
            "args": ["--dockerfile=/workspace/Dockerfile", "--context=dir://workspace", "--destination=REGISTRY/team/app:1", "--digest-file=/dev/termination-log"],
            "volumeMounts": [{ "name": "login", "mountPath": "/kaniko/.docker" }, { "name": "source", "mountPath": "/workspace" }]
          }]
        }
        """);

    /// <summary>As GitLab's jobs: a shell, the login written by the script, the program by its path, in the directory of Kaniko.</summary>
    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "runAsUser": 1000, "runAsGroup": 1000, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" } }""")]
    public Task A_job_that_writes_kanikos_login_and_calls_its_executor_does_so(string security) => BuildsAsync("debug-image-amd64", """
        {
          "containers": [{
            "name": "build", "image": "IMAGE", "command": ["/busybox/sh", "-ec"], "securityContext": SECURITY,
            "args": ["mkdir -p /kaniko/.docker; echo \"$LOGIN\" >/kaniko/.docker/config.json; /kaniko/executor --context /workspace --destination REGISTRY/team/app:1 --kaniko-dir /kaniko; executor version"],
            "env": [{ "name": "LOGIN", "value": "WRITTEN" }],
            "volumeMounts": [{ "name": "source", "mountPath": "/workspace" }]
          }]
        }
        """.Replace("SECURITY", security, StringComparison.Ordinal));

    /// <summary>The shape of Kimia's own example: a repository with its token, capabilities for newuidmap, the Secret in the home of its user.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("/usr/local/bin/kimia")]
    [InlineData("kimia")]
    public Task A_pod_of_kimia_builds_and_pushes(string? command) => BuildsAsync("debug-image-amd64", """
        {
          "securityContext": { "runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000 },
          "containers": [{
            "name": "kimia", "image": "IMAGE", COMMAND
            "args": ["--context=http://x-access-token:${GIT_PASSWORD}@GIT/team/app.git", "--git-branch=main", "--dockerfile=Dockerfile", "--destination=REGISTRY/team/app:1", "--storage-driver=native"],
            "env": [{ "name": "GIT_PASSWORD", "value": "git-token" }],
            "securityContext": { "allowPrivilegeEscalation": true, "capabilities": { "drop": ["ALL"], "add": ["SETUID", "SETGID"] } },
            "volumeMounts": [{ "name": "login", "mountPath": "/home/kimia/.docker" }]
          }]
        }
        """.Replace("COMMAND", command is null ? "" : $"\"command\": [\"{command}\"],", StringComparison.Ordinal));

    /// <summary>The image as it is, given nothing.</summary>
    [Fact]
    public async Task Without_arguments_the_image_shows_help()
    {
        const string Pod = """{ "containers": [{ "name": "kimg", "image": "IMAGE", "volumeMounts": [] }] }""";
        using PodBundle pod = await PodAsync("kimg-image-amd64", Pod, null);
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Contains("kimg build", result.Output, StringComparison.Ordinal);
    }

    /// <summary>The Job of docs/migrating.md; where it names somebody else's servers there are those of this machine.</summary>
    [Fact]
    public async Task The_job_that_the_guide_shows_builds_and_pushes()
    {
        using TempDirectory directory = new();
        string block = YamlBlock.With("kimia:latest").Replace("registry.example", "REGISTRY", StringComparison.Ordinal).Replace("https://git.example/team/app", "http://GIT/team/app.git", StringComparison.Ordinal);
        await File.WriteAllTextAsync(directory["job.yaml"], block);
        JsonNode job = JsonNode.Parse((await NodeTools.CheckAsync("yaml.mjs", directory["job.yaml"])).OutputOrThrow())!;
        await BuildsAsync("debug-image-amd64", job["spec"]!["template"]!["spec"]!.ToJsonString().Replace("app:4", "team/app:1", StringComparison.Ordinal), token: false);
    }

    private async Task BuildsAsync(string image, string text, bool token = true)
    {
        using GitServer git = new();
        await git.CommitAsync("FROM scratch\nCOPY hello.txt /\n", token);
        using PodBundle pod = await PodAsync(image, text, git);
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.DoesNotContain(GitServer.Token, result.Output + result.Errors, StringComparison.Ordinal);
        string digest = await HostProgram.MustAsync(
            "skopeo", "inspect", "--format", "{{.Digest}}", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/team/app:1");
        if (text.Contains("termination-log", StringComparison.Ordinal)) Assert.Equal(digest.Trim(), await File.ReadAllTextAsync(pod.Terminated));
    }

    private async Task<PodBundle> PodAsync(string image, string text, GitServer? git)
    {
        JsonNode node = JsonNode.Parse(text.Replace("REGISTRY", _registry.Host, StringComparison.Ordinal).Replace("GIT/", git?.Host + "/", StringComparison.Ordinal))!;
        foreach (JsonNode? variable in node["containers"]![0]!["env"]?.AsArray() ?? []) if ((string)variable!["value"]! == "WRITTEN") variable["value"] = Login;
        using JsonDocument pod = JsonDocument.Parse(node.ToJsonString());
        ImageConfig config = await ImageConfig.OfAsync(image);
        Dictionary<string, string> files = new() { ["login/config.json"] = Login, ["source/Dockerfile"] = "FROM scratch\nCOPY hello.txt /\n", ["source/hello.txt"] = "hello\n" };
        PodBundle bundle = new(pod.RootElement.Clone(), config.Arguments(pod.RootElement.GetProperty("containers")[0]), files, image: config);
        await bundle.UnpackAsync(image);
        return bundle;
    }
}
