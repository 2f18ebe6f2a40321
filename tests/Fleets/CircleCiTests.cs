using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class CircleCiTests
{
    [Fact]
    public async Task The_orb_packs_to_one_file_that_circles_schema_takes()
    {
        using TempDirectory directory = new();
        string orb = await PackAsync(directory);
        Assert.DoesNotContain("include(", await File.ReadAllTextAsync(orb), StringComparison.Ordinal);
        ProgramResult result = await NodeTools.CheckAsync("schema.mjs", RepositoryFiles.Path("tests/Fleets/schemas/circleciconfig.schema.json"), orb, "orb");
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        ProgramResult complete = await NodeTools.CheckAsync("orb.mjs", orb);
        Assert.True(complete.ExitCode == 0, complete.Output + complete.Errors);
    }

    [Fact]
    public async Task The_scripts_are_clean() =>
        Assert.Equal("", await HostProgram.MustAsync("shellcheck", [
            .. Directory.GetFiles(RepositoryFiles.Path("circleci-orb/src/scripts"), "*.sh"), RepositoryFiles.Path("src/Action/install.sh"), RepositoryFiles.Path("scripts/release.sh"),
            RepositoryFiles.Path("scripts/reproduce.sh")]));

    [Fact]
    public async Task The_commands_build_push_and_make_an_index_without_running_what_parameters_hold()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using TempDirectory directory = new();
        Directory.CreateDirectory(directory["bin"]);
        Directory.CreateDirectory(directory["home"]);
        File.CreateSymbolicLink(directory["bin/kimg"], RepositoryFiles.Kimg);
        await File.WriteAllTextAsync(directory["Dockerfile"], "FROM scratch\nCOPY hello.txt /\n");
        await File.WriteAllTextAsync(directory["hello.txt"], "hello\n");
        Dictionary<string, string> job = new()
        {
            ["CIRCLECI"] = "true", ["CIRCLE_BRANCH"] = "main", ["CIRCLE_SHA1"] = "c0ffee", ["BASH_ENV"] = directory["env"], ["HOME"] = directory["home"],
            ["XDG_DATA_HOME"] = directory["data"], ["PATH"] = $"{directory["bin"]}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        await File.WriteAllTextAsync(directory["env"], "");
        ProgramResult build = await ScriptAsync("build", directory, job, new()
        {
            ["PARAM_PATH"] = ".", ["PARAM_DOCKERFILE"] = "Dockerfile", ["PARAM_IMAGE"] = $"{registry.Host}/app", ["PARAM_TAG"] = "1,2", ["PARAM_TAG_RULES"] = "default", ["PARAM_PUSH"] = "1",
            ["PARAM_PLATFORMS"] = "", ["PARAM_CACHE"] = "1", ["PARAM_CHECK"] = "warn", ["PARAM_EXTRA_ARGS"] = "--label a=$(touch${IFS}pwned) --label b=*",
        });
        Assert.True(build.ExitCode == 0, build.Output + build.Errors);
        Assert.False(File.Exists(directory["pwned"]));
        string digest = (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/app:2")).Trim();
        Assert.Contains($"export KIMG_DIGEST='{digest}'\n", await File.ReadAllTextAsync(directory["env"]), StringComparison.Ordinal);
        Assert.Contains("kimg-cache", await HostProgram.MustAsync("skopeo", "list-tags", "--tls-verify=false", $"docker://{registry.Host}/app"), StringComparison.Ordinal);

        ProgramResult index = await ScriptAsync("index", directory, job, new() { ["PARAM_IMAGE"] = $"{registry.Host}/app:all", ["PARAM_SOURCES"] = $"{registry.Host}/app:1" });
        Assert.True(index.ExitCode == 0, index.Output + index.Errors);
        ProgramResult check = await ScriptAsync("check", directory, job, new() { ["PARAM_PATH"] = ".", ["PARAM_DOCKERFILE"] = "Dockerfile" });
        Assert.True(check.ExitCode == 0, check.Output + check.Errors);
    }

    [Fact]
    public async Task A_missing_secret_names_the_setting()
    {
        using TempDirectory directory = new();
        ProgramResult result = await ScriptAsync("login", directory, [], new() { ["PARAM_REGISTRY"] = "docker.io", ["PARAM_USERNAME"] = "DOCKER_LOGIN", ["PARAM_PASSWORD"] = "DOCKER_PASSWORD" });
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("DOCKER_LOGIN and DOCKER_PASSWORD are not set", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_is_what_later_steps_push_with()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync(GitLabTests.JobToken);
        using TempDirectory directory = new();
        Directory.CreateDirectory(directory["bin"]);
        Directory.CreateDirectory(directory["home"]);
        File.CreateSymbolicLink(directory["bin/kimg"], RepositoryFiles.Kimg);
        await File.WriteAllTextAsync(directory["Dockerfile"], "FROM scratch\nCOPY Dockerfile /\n");
        Dictionary<string, string> job = new()
        {
            ["CIRCLECI"] = "true", ["CIRCLE_BRANCH"] = "main", ["HOME"] = directory["home"], ["XDG_DATA_HOME"] = directory["data"], ["DOCKER_CONFIG"] = directory["home/.docker"],
            ["PATH"] = $"{directory["bin"]}:{Environment.GetEnvironmentVariable("PATH")}", ["TEAM_USER"] = "gitlab-ci-token", ["TEAM_TOKEN"] = "job-token",
        };
        Dictionary<string, string> build = new()
        {
            ["PARAM_PATH"] = ".", ["PARAM_DOCKERFILE"] = "Dockerfile", ["PARAM_IMAGE"] = $"{registry.Host}/app", ["PARAM_TAG"] = "1", ["PARAM_TAG_RULES"] = "", ["PARAM_PUSH"] = "1",
            ["PARAM_PLATFORMS"] = "", ["PARAM_CACHE"] = "0", ["PARAM_CHECK"] = "warn", ["PARAM_EXTRA_ARGS"] = "",
        };
        ProgramResult refused = await ScriptAsync("build", directory, job, build);
        Assert.True(refused.ExitCode == 5, refused.Output + refused.Errors);
        ProgramResult login = await ScriptAsync("login", directory, job, new() { ["PARAM_REGISTRY"] = registry.Host, ["PARAM_USERNAME"] = "TEAM_USER", ["PARAM_PASSWORD"] = "TEAM_TOKEN" });
        Assert.True(login.ExitCode == 0, login.Output + login.Errors);
        Assert.DoesNotContain("job-token", login.Output + login.Errors, StringComparison.Ordinal);
        ProgramResult pushed = await ScriptAsync("build", directory, job, build);
        Assert.True(pushed.ExitCode == 0, pushed.Output + pushed.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync(
            "skopeo", "inspect", "--format", "{{.Digest}}", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{registry.Host}/app:1"), StringComparison.Ordinal);
    }

    private static Task<ProgramResult> ScriptAsync(string name, TempDirectory directory, Dictionary<string, string> job, Dictionary<string, string> parameters)
    {
        Dictionary<string, string> environment = new(job);
        foreach ((string key, string value) in parameters) environment[key] = value;
        return HostProgram.RunAsync("bash", ["-eo", "pipefail", RepositoryFiles.Path($"circleci-orb/src/scripts/{name}.sh")], environment, directory.Path, TimeSpan.FromMinutes(2));
    }

    private static async Task<string> PackAsync(TempDirectory directory)
    {
        string packed = await HostProgram.MustAsync(await NodeTools.NodeAsync(), RepositoryFiles.Path("circleci-orb/pack.js"));
        await File.WriteAllTextAsync(directory["orb.yml"], packed);
        return directory["orb.yml"];
    }
}
