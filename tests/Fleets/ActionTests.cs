using System.Text.Json;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>The action's own inputs, with a registry, a cache service and an API that are servers of this machine.</summary>
public sealed class ActionTests
{
    [Fact]
    public async Task The_cache_service_serves_a_runner_that_has_nothing()
    {
        using ObjectServer service = new();
        using ActionRun run = Project("FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo ran > /out\"]\nCOPY hello.txt /\n");
        File.Copy("/bin/busybox", Path.Combine(run.Workspace, "busybox"));
        (run.Environment["ACTIONS_RESULTS_URL"], run.Environment["ACTIONS_RUNTIME_TOKEN"]) = ($"{service.Url}/results/", ObjectServer.Token);
        (run.Inputs["cache"], run.Inputs["tags"], run.Inputs["outputs"]) = ("gha", "r.example/app:1", $"type=oci,dest={run["app.tar"]}");
        ActionResult first = await SucceedAsync(run);
        Assert.Equal("0.00", first.Outputs["cache-hit"]);
        Assert.NotEmpty(service.Objects);

        Directory.Delete(run["data"], recursive: true);
        ActionResult second = await SucceedAsync(run);
        Assert.NotEqual("0.00", second.Outputs["cache-hit"]);
        Assert.Equal(first.Outputs["digest"], second.Outputs["digest"]);
        Assert.Contains(second.Log.Split('\n'), line => line.EndsWith(" CACHED", StringComparison.Ordinal));
        foreach (ActionResult result in new[] { first, second }) Assert.DoesNotContain(ObjectServer.Token, result.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pull_request_has_one_comment_that_each_run_writes_anew()
    {
        using GitHubApi api = new(others: 130);
        using ActionRun run = PullRequest(api);
        ActionResult first = await SucceedAsync(run);
        Assert.Contains(first.Outputs["digest"], Assert.Single(api.Bodies), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(run.Workspace, "hello.txt"), "changed\n");
        ActionResult second = await SucceedAsync(run);
        Assert.NotEqual(first.Outputs["digest"], second.Outputs["digest"]);
        Assert.Contains(second.Outputs["digest"], Assert.Single(api.Bodies), StringComparison.Ordinal);
        Assert.Equal(["POST", "PATCH"], api.Written);
        foreach (string text in new[] { first.Shown, second.Shown, api.Bodies[0] }) Assert.DoesNotContain("job-token", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_comment_that_is_not_permitted_is_a_warning_with_the_lines_to_add()
    {
        using GitHubApi api = new() { ReadOnly = true };
        using ActionRun run = PullRequest(api);
        ActionResult result = await SucceedAsync(run);
        Assert.Contains("::warning title=KIMG4003::", result.Log, StringComparison.Ordinal);
        Assert.Contains("permissions:%0A  contents: read%0A  pull-requests: write", result.Log, StringComparison.Ordinal);
        Assert.Single(result.Summary.Split("### "), part => part.Contains(result.Outputs["digest"], StringComparison.Ordinal));
        Assert.DoesNotContain("job-token", result.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_runners_and_a_third_that_merges_make_one_image()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        Dictionary<string, string> digests = [];
        foreach (string architecture in new[] { "amd64", "arm64" })
        {
            using ActionRun runner = Project("FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY hello.txt /\n");
            (runner.Inputs["platforms"], runner.Inputs["tags"], runner.Inputs["push"]) = ($"linux/{architecture}", $"{registry.Host}/team/app:run-{architecture}", "true");
            digests[architecture] = (await SucceedAsync(runner)).Outputs["digest"];
        }

        using ActionRun last = Project("FROM scratch\n");
        last.Inputs["merge"] = $"{digests["amd64"]}\n{registry.Host}/team/app:run-arm64";
        (last.Inputs["images"], last.Inputs["tags"]) = ($"{registry.Host}/team/app", "type=ref,event=branch\ntype=sha");
        ActionResult merged = await SucceedAsync(last);
        Assert.Equal($"{registry.Host}/team/app:main\n{registry.Host}/team/app:sha-0123456", merged.Outputs["tags"]);
        foreach (string tag in new[] { "main", "sha-0123456" })
        {
            string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/team/app:{tag}");
            using JsonDocument index = JsonDocument.Parse(raw);
            Dictionary<string, string> found = index.RootElement.GetProperty("manifests").EnumerateArray().ToDictionary(
                m => m.GetProperty("platform").GetProperty("architecture").GetString()!, m => m.GetProperty("digest").GetString()!);
            Assert.Equal(digests, found);
            Assert.Equal(merged.Outputs["digest"], (await DigestAsync(registry, tag)));
        }

        Assert.Contains(merged.Outputs["digest"], merged.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_built_and_tested_is_pushed_bit_for_bit()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using ActionRun run = Project("FROM scratch\nCOPY hello.txt /\n");
        run.Inputs["outputs"] = "type=oci,tar=false,dest=layout";
        ActionResult built = await SucceedAsync(run);
        run.Inputs.Remove("outputs");
        (run.Inputs["push-from"], run.Inputs["tags"]) = ("layout", $"{registry.Host}/team/app:1\n{registry.Host}/team/app:latest");
        Directory.Delete(run["data"], recursive: true);
        ActionResult pushed = await SucceedAsync(run);
        Assert.Equal(built.Outputs["digest"], pushed.Outputs["digest"]);
        foreach (string tag in new[] { "1", "latest" }) Assert.Equal(built.Outputs["digest"], await DigestAsync(registry, tag));
    }

    private static async Task<ActionResult> SucceedAsync(ActionRun run)
    {
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        return result;
    }

    private static async Task<string> DigestAsync(DebianRegistry registry, string tag) =>
        (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", "--override-arch=amd64", $"docker://{registry.Host}/team/app:{tag}")).Trim();

    private static ActionRun PullRequest(GitHubApi api)
    {
        ActionRun run = Project("FROM scratch\nCOPY hello.txt /\n");
        foreach ((string name, string value) in new[] { ("GITHUB_API_URL", api.Url), ("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_EVENT_NAME", "pull_request") }) run.Environment[name] = value;
        (run.Inputs["comment"], run.Inputs["tags"], run.Inputs["outputs"]) = ("true", "r.example/app:pr-7", $"type=oci,dest={run["app.tar"]}");
        return run;
    }

    private static ActionRun Project(string dockerfile)
    {
        ActionRun run = new();
        run.Environment["KIMG_ACTION_BINARY"] = RepositoryFiles.Kimg;
        File.WriteAllText(Path.Combine(run.Workspace, "Dockerfile"), dockerfile);
        File.WriteAllText(Path.Combine(run.Workspace, "hello.txt"), "hello\n");
        return run;
    }
}
