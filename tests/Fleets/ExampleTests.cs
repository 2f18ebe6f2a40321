using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>What the documents show for GitHub, CircleCI and Kubernetes; GitLab's pipelines are run by <see cref="GitLabTests"/>, that of Azure by <see cref="DownloadTests"/>.</summary>
public sealed class ExampleTests
{
    [Fact]
    public void Every_example_is_one_that_a_test_runs()
    {
        string[] known = ["uses: kimg/kimg@", "Kimg.gitlab-ci.yml", "component: ", "/kaniko/executor", "kimia:latest", "# Azure Pipelines", "orbs:", "secretName: registry"];
        Assert.All(YamlBlock.All, block => Assert.Single(known, part => block.Text.Contains(part, StringComparison.Ordinal)));
        Assert.Equal(9, YamlBlock.All.Count());
    }

    [Fact]
    public async Task The_first_step_for_github_builds_and_pushes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        string block = YamlBlock.With("type=semver,pattern={{major}}.{{minor}}");
        ActionResult result = Assert.Single(await RunAsync("jobs:\n  job:\n    runs-on: ubuntu-latest\n" + YamlBlock.Indented(block, 4), "job", registry));
        Assert.Equal($"{registry.Host}/o/app:main", result.Outputs["tags"]);
        Assert.Equal(result.Outputs["digest"], await DigestAsync(registry, "main"));
    }

    [Fact]
    public async Task The_matrix_for_github_makes_one_image()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        string block = YamlBlock.With("matrix.arch");
        foreach (string architecture in new[] { "amd64", "arm64" }) await RunAsync(block, "build", registry, architecture);
        ActionResult merged = Assert.Single(await RunAsync(block, "merge", registry));
        Assert.Equal(merged.Outputs["digest"], await DigestAsync(registry, "main"));
        string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/o/app:main");
        using JsonDocument index = JsonDocument.Parse(raw);
        Assert.Equal(2, index.RootElement.GetProperty("manifests").GetArrayLength());
    }

    [Fact]
    public async Task The_pipeline_for_circle_is_valid()
    {
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["config.yml"], YamlBlock.With("orbs:"));
        ProgramResult result = await NodeTools.CheckAsync("schema.mjs", RepositoryFiles.Path("tests/Fleets/schemas/circleciconfig.schema.json"), directory["config.yml"]);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    [Fact]
    public async Task Volumes_for_kubernetes_are_what_kubectl_takes()
    {
        using TempDirectory directory = new();
        string pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: a\n    image: a\n" + YamlBlock.Indented(YamlBlock.With("secretName: registry"), 2);
        await File.WriteAllTextAsync(directory["pod.yaml"], pod);
        string text = await HostProgram.MustAsync("kubectl", "set", "image", "--local", "--filename", directory["pod.yaml"], "--output", "json", "a=b");
        using JsonDocument read = JsonDocument.Parse(text);
        Assert.Equal("registry", read.RootElement.GetProperty("spec").GetProperty("volumes")[0].GetProperty("secret").GetProperty("secretName").GetString());
    }

    /// <summary>GitHub's parser on the whole, then the job's steps that use the action, with registry.Host in place of ghcr.io.</summary>
    private static async Task<List<ActionResult>> RunAsync(string jobs, string job, DebianRegistry registry, string? architecture = null)
    {
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["workflow.yml"], "on: push\n" + jobs);
        ProgramResult parsed = await NodeTools.CheckAsync("github.mjs", directory["workflow.yml"]);
        Assert.True(parsed.ExitCode == 0, parsed.Output + parsed.Errors);
        JsonObject contexts = new()
        {
            ["github"] = new JsonObject { ["repository"] = "o/app", ["event_name"] = "push", ["sha"] = "0123456789abcdef0123456789abcdef01234567" },
            ["matrix"] = new JsonObject { ["arch"] = architecture },
        };
        if (architecture is null) contexts.Remove("matrix");
        ProgramResult read = await NodeTools.CheckAsync("workflow.mjs", directory["workflow.yml"], job, contexts.ToJsonString());
        using JsonDocument steps = JsonDocument.Parse(read.OutputOrThrow());
        List<ActionResult> results = [];
        foreach (JsonElement step in steps.RootElement.EnumerateArray())
        {
            if (step.GetProperty("uses").GetString()?.StartsWith("kimg/kimg@", StringComparison.Ordinal) is not true) continue;
            using ActionRun run = new();
            run.Environment["KIMG_ACTION_BINARY"] = RepositoryFiles.Kimg;
            await File.WriteAllTextAsync(Path.Combine(run.Workspace, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
            foreach (JsonProperty input in step.GetProperty("with").EnumerateObject())
                run.Inputs[input.Name] = input.Value.GetString()!.Replace("ghcr.io", registry.Host, StringComparison.Ordinal);
            // The runners of the matrix are machines of these architectures; this one is not.
            if (architecture is not null) run.Inputs["platforms"] = "linux/" + architecture;
            ActionResult result = await run.RunAsync("o/app");
            Assert.True(result.ExitCode == 0, result.Log);
            results.Add(result);
        }

        return results;
    }

    private static async Task<string> DigestAsync(DebianRegistry registry, string tag) =>
        (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/o/app:{tag}")).Trim();
}
