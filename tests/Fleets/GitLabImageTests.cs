using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>The jobs' scripts as an unmodified runner starts them: in kimg:debug, by its busybox' shell, in a container that may do nothing in particular.</summary>
public sealed class GitLabImageTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private DebianRegistry _registry = null!;

    public async Task InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync(GitLabTests.JobToken);
        await HostProgram.MustAsync("cp", "-r", RepositoryFiles.Path("gitlab-ci-templates/Kimg.gitlab-ci.yml"), RepositoryFiles.Path("gitlab-ci-templates/templates"), _directory.Path);
        foreach (string command in new[] { "init -q -b main", "remote add origin git@gitlab.example:group/app.git", "add -A", "-c user.name=a -c user.email=a@b commit -q -m one" })
            (await HostProgram.RunAsync("git", command.Split(' '), directory: _directory.Path)).OutputOrThrow();
    }

    public Task DisposeAsync()
    {
        _registry.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("", "latest")]
    [InlineData("KANIKO_BUILD_CONTEXT=/workspace", "latest")]
    [InlineData("DOCKERFILE_PATH=/workspace/Dockerfile", "latest")]
    [InlineData("DOCKERFILE_PATH=/workspace/Dockerfile KANIKO_ARGS=--reproducible", "latest")]
    [InlineData("CI_COMMIT_TAG=v1/2 CI_COMMIT_BRANCH=", "v1-2")]
    [InlineData("CI_COMMIT_BRANCH=My_Branch CI_COMMIT_REF_NAME=My_Branch", "branch-MyBranch")]
    public async Task The_template_runs_in_the_image(string variables, string tag)
    {
        string[] files = await RunAsync("local: Kimg.gitlab-ci.yml", "kaniko-build", [.. variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        string digest = await DigestAsync(tag);
        Assert.Contains($"KIMG_DIGEST={digest}\n", files[0], StringComparison.Ordinal);
        if (!variables.Contains("KANIKO_ARGS", StringComparison.Ordinal)) Assert.Contains("\"path\": \"Dockerfile\"", files[1].Replace("\":\"", "\": \"", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_component_runs_in_the_image()
    {
        string[] files = await RunAsync("local: templates/build/template.yml\n    inputs:\n      tag_rules: type=raw,value=one type=raw,value=two", "kimg-build");
        Assert.Contains($"KIMG_DIGEST={await DigestAsync("two")}\n", files[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_jobs_of_several_architectures_run_in_the_image()
    {
        const string Include = "local: templates/multi-arch/template.yml\n    inputs:\n      tag: v1\n      architectures: [amd64, arm64]";
        foreach (string architecture in new[] { "amd64", "arm64" }) await RunAsync(Include, "kimg-build", "ARCH=" + architecture);
        string[] files = await RunAsync(Include, "kimg-index");
        Assert.Contains($"KIMG_DIGEST={await DigestAsync("v1")}\n", files[0], StringComparison.Ordinal);
    }

    /// <summary>Of the pipeline as gitlab-ci-local resolves it: the job's image and script.</summary>
    /// <returns>The reports that it left: dotenv, code quality.</returns>
    private async Task<string[]> RunAsync(string include, string name, params string[] variables)
    {
        await File.WriteAllTextAsync(_directory[".gitlab-ci.yml"], $"stages: [build, deploy]\ninclude:\n  - {include}\n");
        string[] preview = [await NodeTools.PackageAsync("gitlab-ci-local/dist/index.js"), "--preview", "--home", _directory.Path];
        string pipeline = (await HostProgram.RunAsync(await NodeTools.NodeAsync(), preview, directory: _directory.Path)).OutputOrThrow();
        await File.WriteAllTextAsync(_directory["resolved.yml"], pipeline);
        JsonNode job = JsonNode.Parse((await NodeTools.CheckAsync("yaml.mjs", _directory["resolved.yml"])).OutputOrThrow())![name]!;
        Assert.Equal("", (string?)job["image"]!["entrypoint"]![0]);
        string script = "set -eo pipefail\nset +o noclobber\n" + string.Join('\n', job["script"]!.AsArray().Select(line => (string)line!));
        Dictionary<string, string> environment = new()
        {
            ["GITLAB_CI"] = "true", ["CI_PROJECT_DIR"] = "/workspace", ["CI_REGISTRY"] = _registry.Host, ["CI_REGISTRY_IMAGE"] = _registry.Host + "/group/app", ["CI_JOB_TOKEN"] = "job-token",
            ["CI_DEFAULT_BRANCH"] = "main", ["CI_COMMIT_BRANCH"] = "main", ["CI_COMMIT_REF_NAME"] = "main", ["CI_COMMIT_REF_SLUG"] = "main",
        };
        foreach ((string key, JsonNode? value) in job["variables"]?.AsObject() ?? []) environment[key] = (string)value!;
        foreach (string variable in variables) environment[variable.Split('=')[0]] = variable[(variable.IndexOf('=') + 1)..];
        JsonObject container = new()
        {
            ["env"] = new JsonArray([.. environment.Select(e => (JsonNode)new JsonObject { ["name"] = e.Key, ["value"] = e.Value })]),
            ["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "project", ["mountPath"] = "/workspace" }),
        };
        using JsonDocument pod = JsonDocument.Parse(new JsonObject { ["containers"] = new JsonArray(container) }.ToJsonString());
        Dictionary<string, string> files = new() { ["project/Dockerfile"] = "FROM scratch as app\nCOPY hello.txt /\n", ["project/hello.txt"] = "hello\n" };
        // The job's entrypoint is empty, so nothing of the image's is started.
        using PodBundle bundle = new(pod.RootElement, ["/bin/sh", "-c", script], files, image: await ImageConfig.OfAsync("debug-image-amd64"));
        await bundle.UnpackAsync("debug-image-amd64");
        ProgramResult result = await bundle.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        string[] reports = [.. new[] { "kimg.env", "gl-code-quality-report.json" }.Select(file => Path.Combine(bundle.Volumes["project"], file))];
        return [.. reports.Select(file => File.Exists(file) ? File.ReadAllText(file) : "")];
    }

    private async Task<string> DigestAsync(string tag)
    {
        string[] inspect = ["inspect", "--raw", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/group/app:{tag}"];
        return "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(await HostProgram.MustAsync("skopeo", inspect))));
    }
}
