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
        Assert.Equal(await ActionRun.DeclaredOutputsAsync("cache-hit", "warnings"), merged.Outputs.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("main", merged.Outputs["version"]);
        using JsonDocument platforms = JsonDocument.Parse(merged.Outputs["platform-digests"]);
        Assert.Equal(digests, platforms.RootElement.EnumerateObject().ToDictionary(p => p.Name["linux/".Length..], p => p.Value.GetString()!));
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
        Assert.Equal(built.Outputs["imageid"], pushed.Outputs["imageid"]);
        Assert.Equal(await ActionRun.DeclaredOutputsAsync("cache-hit", "warnings", "version", "labels"), pushed.Outputs.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>The base branch's variables, and only in the event which pull request it is.</summary>
    [Fact]
    public async Task A_fork_does_not_get_the_base_branchs_tag_but_its_pull_requests_and_the_comment()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using GitHubApi api = new();
        using ActionRun run = Project("FROM scratch\nCOPY hello.txt /\n");
        await File.WriteAllTextAsync(run["target.json"], """{"number":7,"pull_request":{"number":7,"head":{"sha":"fade"},"base":{"ref":"main"}},"repository":{"default_branch":"main"}}""");
        foreach ((string name, string value) in new[] { ("GITHUB_API_URL", api.Url), ("GITHUB_EVENT_NAME", "pull_request_target"), ("GITHUB_EVENT_PATH", run["target.json"]) })
            run.Environment[name] = value;
        (run.Inputs["images"], run.Inputs["push"], run.Inputs["comment"]) = ($"{registry.Host}/team/app", "true", "true");
        ActionResult result = await SucceedAsync(run);
        Assert.Equal($"{registry.Host}/team/app:pr-7", result.Outputs["tags"]);
        Assert.Contains(result.Outputs["digest"], Assert.Single(api.Bodies), StringComparison.Ordinal);
        Assert.Equal("""{"name":"team/app","tags":["pr-7"]}""", (await HostProgram.MustAsync("curl", "-fsS", $"http://{registry.Host}/v2/team/app/tags/list")).Trim());
    }

    [Fact]
    public async Task The_repository_at_this_commit_is_built_by_git_with_the_jobs_token()
    {
        using GitServer server = new();
        await server.CommitAsync("FROM scratch\nCOPY hello.txt /\nCOPY --from=more hello.txt /more\n", token: true);
        using ActionRun run = Project("FROM no.example/not-this\n");
        string commit = (await HostProgram.MustAsync(
            "git", "-c", "http.extraHeader=Authorization: Basic " + Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes("x-access-token:" + GitServer.Token)),
            "ls-remote", $"http://{server.Host}/team/app.git", "refs/heads/main")).Split('\t')[0];
        (run.Environment["GITHUB_SERVER_URL"], run.Environment["GITHUB_SHA"], run.Environment["GITHUB_REPOSITORY"]) = ($"http://{server.Host}", commit, "team/app");
        (run.Inputs["context"], run.Inputs["build-contexts"], run.Inputs["github-token"]) = ("{{defaultContext}}", "more={{defaultContext}}", GitServer.Token);
        run.Inputs["outputs"] = "type=local,dest=out";
        ActionResult result = await SucceedAsync(run);
        foreach (string file in new[] { "out/hello.txt", "out/more" }) Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(run.Workspace, file)));
        Assert.DoesNotContain(GitServer.Token, result.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_of_the_summary_makes_the_same_image()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using ActionRun run = Project("FROM scratch\nCOPY busybox /bin/busybox\nRUN --mount=type=secret,id=tok [\"/bin/busybox\", \"sh\", \"-c\", \"cat /run/secrets/tok > /tok\"]\n");
        File.Copy("/bin/busybox", Path.Combine(run.Workspace, "busybox"));
        foreach ((string name, string value) in new[]
        {
            ("images", $"{registry.Host}/team/app"), ("labels", "own=a label's\nat={{branch}}"), ("annotations", "own=annotation"), ("build-args", "A=1"), ("secrets", "tok=hunter2"),
            ("outputs", "type=registry,rewrite-timestamp=true,compression=zstd,oci-mediatypes=true"),
        }) run.Inputs[name] = value;
        run.Environment["SOURCE_DATE_EPOCH"] = "1600000000";
        ActionResult result = await SucceedAsync(run);
        string command = Assert.Single(result.Summary.Split('\n'), line => line.StartsWith("SOURCE_DATE_EPOCH=1600000000 kimg build ", StringComparison.Ordinal));
        Dictionary<string, string> reader = new()
        {
            ["tok"] = "hunter2", ["HOME"] = run["reader"], ["XDG_DATA_HOME"] = run["reader/data"],
            ["PATH"] = $"{Path.GetDirectoryName(RepositoryFiles.Kimg)}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        string asked = command.Replace("kimg build ", $"kimg build --metadata-file={run["again.json"]} ", StringComparison.Ordinal);
        (await HostProgram.RunAsync("sh", ["-c", asked], reader, run.Workspace, TimeSpan.FromMinutes(2))).OutputOrThrow();
        using JsonDocument again = JsonDocument.Parse(await File.ReadAllTextAsync(run["again.json"]));
        Assert.Equal(result.Outputs["digest"], again.RootElement.GetProperty("containerimage.digest").GetString());
        Assert.DoesNotContain("hunter2", result.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_input_that_action_yml_does_not_declare_is_an_error()
    {
        using ActionRun run = Project("FROM scratch\n");
        run.Inputs["sign"] = "keyless";
        ActionResult result = await run.RunAsync("o/app");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("the input 'sign' is not supported", result.Log, StringComparison.Ordinal);
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
