using System.Text.Json;
using Kimg.Ci.GitHub;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class GitHubTests
{
    [Fact]
    public async Task Githubs_parser_finds_nothing_wrong_with_the_action_and_the_workflows()
    {
        string[] files = [RepositoryFiles.Path("action.yml"), .. Directory.GetFiles(RepositoryFiles.Path(".github/workflows"), "*.yml")];
        ProgramResult result = await NodeTools.CheckAsync("github.mjs", files);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        ProgramResult schema = await NodeTools.CheckAsync("schema.mjs", RepositoryFiles.Path("tests/Fleets/schemas/github-action.schema.json"), files[0]);
        Assert.True(schema.ExitCode == 0, schema.Output + schema.Errors);
    }

    [Fact]
    public async Task Githubs_parser_would_find_what_is_wrong()
    {
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["w.yml"], "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ githob.sha }}\n      - usess: b\n");
        ProgramResult result = await NodeTools.CheckAsync("github.mjs", directory["w.yml"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("githob", result.Output, StringComparison.Ordinal);
        Assert.Contains("usess", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_action_declares_exactly_the_inputs_that_kimg_reads()
    {
        using JsonDocument facts = JsonDocument.Parse((await NodeTools.CheckAsync("action-facts.mjs", RepositoryFiles.Path("action.yml"))).OutputOrThrow());
        Assert.Equal(
            ActionInputs.Names.Order(StringComparer.Ordinal),
            facts.RootElement.GetProperty("inputs").EnumerateObject().Select(i => i.Name).Order(StringComparer.Ordinal));
        Assert.Empty(facts.RootElement.GetProperty("undescribed").EnumerateArray());
        Assert.Equal("node24", facts.RootElement.GetProperty("using").GetString());
    }

    [Fact]
    public async Task One_step_builds_tags_and_pushes_with_a_binary_that_is_fetched_once()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        byte[] binary = await File.ReadAllBytesAsync(RepositoryFiles.Kimg);
        using ScriptedServer releases = Releases(binary, Digest.Sha256(binary).Hex);
        using ActionRun run = Project();
        run.Environment["KIMG_ACTION_DOWNLOADS"] = $"http://{releases.Host}/dl";
        foreach ((string name, string value) in new[]
        {
            ("version", "9.9.9"), ("images", $"{registry.Host}/team/app"), ("tags", "type=ref,event=branch\ntype=sha"), ("push", "true"), ("secrets", "token=hunter2"),
            ("cache", "registry"),
        }) run.Inputs[name] = value;
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        Assert.Equal($"{registry.Host}/team/app:main\n{registry.Host}/team/app:sha-0123456", result.Outputs["tags"]);
        string inspected = await HostProgram.MustAsync("skopeo", "inspect", "--tls-verify=false", $"docker://{registry.Host}/team/app:main");
        using JsonDocument image = JsonDocument.Parse(inspected);
        Assert.Equal(result.Outputs["digest"], image.RootElement.GetProperty("Digest").GetString());
        Assert.Equal("0123456789abcdef0123456789abcdef01234567", image.RootElement.GetProperty("Labels").GetProperty("org.opencontainers.image.revision").GetString());
        Assert.Contains("::group::kimg build", result.Log, StringComparison.Ordinal);
        Assert.Contains("::warning file=Dockerfile,line=1,title=FromAsCasing::", result.Log, StringComparison.Ordinal);
        Assert.Contains("::add-mask::hunter2", result.Log, StringComparison.Ordinal);
        Assert.Contains(result.Outputs["digest"], result.Summary, StringComparison.Ordinal);
        using JsonDocument metadata = JsonDocument.Parse(result.Outputs["metadata"]);
        Assert.Equal(result.Outputs["digest"], metadata.RootElement.GetProperty("containerimage.digest").GetString());

        Assert.Equal(await ActionRun.DeclaredOutputsAsync(), result.Outputs.Keys.Order(StringComparer.Ordinal));

        ActionResult again = await run.RunAsync("o/app");
        Assert.Equal(result.Outputs["digest"], again.Outputs["digest"]);
        Assert.Contains("from the tool cache", again.Log, StringComparison.Ordinal);
        Assert.Single(releases.Lines, l => l.EndsWith("/kimg-linux-amd64", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_binary_that_is_not_the_released_one_is_not_run()
    {
        using ScriptedServer releases = Releases("#!/bin/sh\necho pwned\n"u8.ToArray(), new string('0', 64));
        using ActionRun run = Project();
        (run.Environment["KIMG_ACTION_DOWNLOADS"], run.Inputs["version"]) = ($"http://{releases.Host}/dl", "9.9.9");
        ActionResult result = await run.RunAsync("o/app");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("::error title=kimg::", result.Log, StringComparison.Ordinal);
        Assert.Contains("is not what was released", result.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("pwned", result.Log, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(run["tools"], "kimg/9.9.9/0000000000000000")));
    }

    [Theory]
    [InlineData("auto", true)]
    [InlineData("none", false)]
    public async Task Where_apparmor_keeps_user_namespaces_a_profile_for_this_binary_alone_is_loaded(string setup, bool loaded)
    {
        using ActionRun run = Project();
        string kimg = await RestrictedAsync(run, "bin", $"printf '%s\\n' \"$*\" > '{run["seen"]}'\ncat >> '{run["seen"]}'\n");
        run.Inputs["isolation-setup"] = setup;
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        Assert.Contains("ran ci github", result.Log, StringComparison.Ordinal);
        Assert.Equal(loaded, File.Exists(run["seen"]));
        if (!loaded) return;
        string seen = await File.ReadAllTextAsync(run["seen"]);
        Assert.StartsWith("-n apparmor_parser --replace", seen, StringComparison.Ordinal);
        Assert.Contains($"profile kimg \"{kimg}\" flags=(unconfined) {{\n  userns,\n}}\n", seen, StringComparison.Ordinal);
        Assert.Single(result.Log.Split('\n'), l => l.StartsWith("AppArmor: ", StringComparison.Ordinal));
    }

    /// <summary>Blanks end a path, and some characters are patterns: in the profile they stand for themselves.</summary>
    [Fact]
    public async Task The_profile_is_for_this_path_whatever_is_in_it()
    {
        using ActionRun run = Project();
        string kimg = await RestrictedAsync(run, "tool \"cache\" {a,b}*[1]", $"cat > '{run["seen"]}'\n");
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        string quoted = kimg.Replace("tool \"cache\" {a,b}*[1]", "tool \\\"cache\\\" \\{a,b\\}\\*\\[1\\]", StringComparison.Ordinal);
        Assert.Contains($"\nprofile kimg \"{quoted}\" flags=(unconfined) {{\n", await File.ReadAllTextAsync(run["seen"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_profile_can_be_loaded_a_warning_says_why_and_what_to_do_and_the_build_runs()
    {
        using ActionRun run = Project();
        await RestrictedAsync(run, "bin", "cat > /dev/null\necho 'sudo: a password is required' >&2\nexit 1\n");
        ActionResult result = await run.RunAsync("o/app");
        Assert.True(result.ExitCode == 0, result.Log);
        string warning = Assert.Single(result.Log.Split('\n'), l => l.StartsWith("::warning title=kimg::", StringComparison.Ordinal));
        Assert.Contains("sudo: a password is required", warning, StringComparison.Ordinal);
        Assert.Contains("sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", warning, StringComparison.Ordinal);
        Assert.Contains("ran ci github", result.Log, StringComparison.Ordinal);
    }

    /// <summary>A machine whose AppArmor keeps user namespaces, with a program in the place of kimg and one in that of sudo.</summary>
    /// <returns>The path of the first.</returns>
    private static async Task<string> RestrictedAsync(ActionRun run, string directory, string sudo)
    {
        string bin = Directory.CreateDirectory(run["programs"]).FullName, kimg = Path.Combine(Directory.CreateDirectory(run[directory]).FullName, "kimg");
        await File.WriteAllTextAsync(run["sysctl"], "1\n");
        await File.WriteAllTextAsync(Path.Combine(bin, "sudo"), "#!/bin/sh\n" + sudo);
        await File.WriteAllTextAsync(kimg, "#!/bin/sh\necho ran \"$@\"\n");
        await HostProgram.MustAsync("chmod", "-R", "a+rwX,a+x", Path.GetDirectoryName(bin)!);
        (run.Environment["KIMG_ACTION_BINARY"], run.Environment["KIMG_ACTION_USERNS_SYSCTL"]) = (kimg, run["sysctl"]);
        run.Environment["PATH"] = $"{bin}:{Environment.GetEnvironmentVariable("PATH")}";
        run.As = ["setpriv", "--reuid", "65534", "--clear-groups", "--"];
        return kimg;
    }

    private static ActionRun Project()
    {
        ActionRun run = new();
        File.WriteAllText(Path.Combine(run.Workspace, "Dockerfile"), "FROM scratch as app\nCOPY hello.txt /\n");
        File.WriteAllText(Path.Combine(run.Workspace, "hello.txt"), "hello\n");
        return run;
    }

    private static ScriptedServer Releases(byte[] binary, string sum) => new(request => request.Path switch
    {
        "/dl/v9.9.9/SHA256SUMS" => new ScriptedAnswer(200, $"{sum}  kimg-linux-amd64\n{new string('f', 64)}  kimg-linux-arm64\n"),
        "/dl/v9.9.9/kimg-linux-amd64" => new ScriptedAnswer(200, binary),
        _ => new ScriptedAnswer(404),
    });
}
