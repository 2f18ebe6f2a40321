using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>From what the release scripts made to a binary that runs: through the action and through install.sh, over HTTP.</summary>
public sealed class DownloadTests
{
    [Fact]
    public async Task The_released_action_runs_the_released_binary()
    {
        using ScriptedServer server = await ServeAsync();
        using ActionRun run = await ReleasedActionAsync(server);
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        Assert.StartsWith("sha256:", result.Outputs["digest"], StringComparison.Ordinal);
        // Its own sums are pinned: it does not ask the server what to trust.
        Assert.Equal([$"GET /download/v{await VersionAsync()}/kimg-linux-amd64"], server.Lines);
    }

    [Fact]
    public async Task The_released_action_runs_nothing_else_whatever_the_server_says()
    {
        // The server has another binary, and sums that fit it.
        using TempDirectory evil = new();
        await HostProgram.MustAsync("cp", "-r", await ReleaseImage.DirectoryAsync() + "/.", evil.Path);
        await File.WriteAllTextAsync(evil["kimg-linux-amd64"], "#!/bin/sh\necho pwned\n");
        (await HostProgram.RunAsync("bash", [RepositoryFiles.Path("scripts/sums.sh"), evil.Path, await VersionAsync()])).OutputOrThrow();
        using ScriptedServer server = Serve(evil.Path, await VersionAsync());
        using ActionRun run = await ReleasedActionAsync(server);
        ActionResult result = await run.RunAsync("o/app");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is not what was released: its SHA-256 is ", result.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("pwned", result.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_released_script_installs_the_released_binary_and_no_other()
    {
        using ScriptedServer server = await ServeAsync();
        using TempDirectory directory = new();
        ProgramResult result = await InstallAsync(server, directory);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith($"kimg {await VersionAsync()}", await HostProgram.MustAsync(directory["bin/kimg"], "version"), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Lines, line => line.EndsWith("/SHA256SUMS", StringComparison.Ordinal));

        using TempDirectory evil = new();
        await File.WriteAllTextAsync(evil["kimg-linux-amd64"], "#!/bin/sh\necho pwned\n");
        File.Copy(Path.Combine(await ReleaseImage.DirectoryAsync(), "install.sh"), evil["install.sh"]);
        using ScriptedServer other = Serve(evil.Path, await VersionAsync());
        using TempDirectory untouched = new();
        ProgramResult refused = await InstallAsync(other, untouched);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("is not what was released: its SHA-256 is ", refused.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(untouched["bin"]));
    }

    [Fact]
    public async Task The_orbs_command_installs_the_released_binary()
    {
        using ScriptedServer server = await ServeAsync();
        using TempDirectory directory = new();
        Dictionary<string, string> environment = new()
        {
            ["KIMG_DOWNLOADS"] = $"http://{server.Host}", ["HOME"] = directory.Path, ["BASH_ENV"] = directory["env"], ["PARAM_VERSION"] = await VersionAsync(), ["PARAM_SHA256"] = "",
            ["PARAM_ISOLATION_SETUP"] = "none",
        };
        await File.WriteAllTextAsync(directory["env"], "");
        ProgramResult result = await HostProgram.RunAsync("bash", ["-eo", "pipefail", RepositoryFiles.Path("circleci-orb/src/scripts/install.sh")], environment, directory.Path);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        // The next step of the job.
        Assert.StartsWith($"kimg {await VersionAsync()}", (await HostProgram.RunAsync("bash", ["-c", "kimg version"], environment)).OutputOrThrow(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pipeline_for_azure_installs_builds_and_pushes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using ScriptedServer server = await ServeAsync();
        using TempDirectory directory = new();
        string block = YamlBlock.With("# Azure Pipelines");
        int begin = block.IndexOf("script: |\n", StringComparison.Ordinal) + "script: |\n".Length;
        // The agent puts its variables in place before bash sees the script.
        string script = block[begin..block.IndexOf("    name:", StringComparison.Ordinal)].Replace("$(Agent.ToolsDirectory)", directory["bin"], StringComparison.Ordinal)
            .Replace("$(registry)", registry.Host, StringComparison.Ordinal).Replace("https://github.com/kimg/kimg/releases", $"http://{server.Host}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(directory["Dockerfile"], "FROM scratch\nCOPY Dockerfile /\n");
        Dictionary<string, string> environment = new()
        {
            ["KIMG_DOWNLOADS"] = $"http://{server.Host}", ["HOME"] = directory.Path, ["TF_BUILD"] = "True", ["BUILD_SOURCEBRANCH"] = "refs/heads/main", ["BUILD_SOURCESDIRECTORY"] = directory.Path,
        };
        ProgramResult result = await HostProgram.RunAsync("bash", ["--noprofile", "--norc", "-e", "-c", script], environment, directory.Path);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        string digest = (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/app:main")).Trim();
        Assert.Contains($"##vso[task.setvariable variable=KIMG_DIGEST;isOutput=true]{digest}\n", result.Output + result.Errors, StringComparison.Ordinal);
    }

    // As the workflow's commit for the tag has it.
    private static async Task<ActionRun> ReleasedActionAsync(ScriptedServer server)
    {
        ActionRun run = new();
        string action = Directory.CreateDirectory(run["action/src/Action"]).FullName;
        File.Copy(RepositoryFiles.Path("action.yml"), run["action/action.yml"]);
        File.Copy(RepositoryFiles.Path("src/Action/index.js"), Path.Combine(action, "index.js"));
        File.Copy(Path.Combine(await ReleaseImage.DirectoryAsync(), "release.json"), Path.Combine(action, "release.json"));
        run.Action = run["action"];
        run.Environment["KIMG_ACTION_DOWNLOADS"] = $"http://{server.Host}/download";
        run.Inputs["outputs"] = $"type=oci,dest={run["app.tar"]}";
        await File.WriteAllTextAsync(Path.Combine(run.Workspace, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
        return run;
    }

    private static Task<ProgramResult> InstallAsync(ScriptedServer server, TempDirectory directory)
    {
        Dictionary<string, string> environment = new() { ["KIMG_DOWNLOADS"] = $"http://{server.Host}", ["KIMG_INSTALL"] = directory["bin"], ["HOME"] = directory.Path };
        return HostProgram.RunAsync("sh", ["-c", $"curl -fsSL http://{server.Host}/latest/download/install.sh | sh"], environment);
    }

    private static async Task<string> VersionAsync() =>
        ReleaseImage.Read(Path.Combine(await ReleaseImage.DirectoryAsync(), "release.json")).GetProperty("version").GetString()!;

    private static async Task<ScriptedServer> ServeAsync() => Serve(await ReleaseImage.DirectoryAsync(), await VersionAsync());

    private static ScriptedServer Serve(string release, string version) => new(request =>
    {
        string file = request.Path.Replace($"/download/v{version}/", "/latest/download/", StringComparison.Ordinal).Replace("/latest/download/", release + "/", StringComparison.Ordinal);
        return File.Exists(file) ? new ScriptedAnswer(200, File.ReadAllBytes(file)) : new ScriptedAnswer(404);
    });
}
