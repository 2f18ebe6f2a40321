using System.Text.Json;
using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>The template's and components' jobs, run by gitlab-ci-local with the shell executor: the same scripts, kimg on PATH, a real registry.</summary>
public sealed class GitLabTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private DebianRegistry _registry = null!;

    public async Task InitializeAsync()
    {
        // Behind a login, so that the job's own credentials are really used.
        _registry = await DebianRegistry.StartAsync(JobToken);
        string project = Directory.CreateDirectory(Project).FullName;
        foreach (string line in new[] { "bin", "home" }) Directory.CreateDirectory(_directory[line]);
        File.CreateSymbolicLink(_directory["bin/kimg"], RepositoryFiles.Kimg);
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), "FROM scratch as app\nCOPY hello.txt /\n");
        await File.WriteAllTextAsync(Path.Combine(project, "hello.txt"), "hello\n");
        await HostProgram.MustAsync("cp", "-r", RepositoryFiles.Path("gitlab-ci-templates/Kimg.gitlab-ci.yml"), RepositoryFiles.Path("gitlab-ci-templates/templates"), project);
        foreach (string command in new[] { "init -q -b main", "remote add origin git@gitlab.example:group/app.git", "add -A", "-c user.name=a -c user.email=a@b commit -q -m one" })
            (await HostProgram.RunAsync("git", command.Split(' '), directory: project)).OutputOrThrow();
    }

    /// <summary>gitlab-ci-token with the password "job-token".</summary>
    internal const string JobToken = "gitlab-ci-token:$2y$05$abcdefghijklmnopqrstuuUY7zs67Bt/2JpdLfykB19Y1IJRd3fOe\n";

    private const string Template = "include:\n  - local: Kimg.gitlab-ci.yml\n";

    private string Project => _directory["app"];

    public Task DisposeAsync()
    {
        _registry.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task The_template_builds_and_pushes_and_leaves_reports()
    {
        await RunAsync(Template, "kaniko-build");
        string digest = await DigestAsync("group/app:latest");
        Assert.Contains($"KIMG_DIGEST={digest}\n", await Artifact("kaniko-build", "kimg.env"), StringComparison.Ordinal);
        using JsonDocument findings = JsonDocument.Parse(await Artifact("kaniko-build", "gl-code-quality-report.json"));
        Assert.Equal("FromAsCasing", findings.RootElement[0].GetProperty("check_name").GetString());
        Assert.Equal("Dockerfile", findings.RootElement[0].GetProperty("location").GetProperty("path").GetString());
    }

    [Theory]
    [InlineData("variables:\n  KANIKO_ARGS: --label k=v --reproducible\n  KIMG_TAG: mine\n")]
    [InlineData("kaniko-build:\n  variables:\n    KANIKO_ARGS: --label k=v --reproducible\n    KIMG_TAG: mine\n")]
    public async Task Kanikos_arguments_are_kanikos_flags(string variables)
    {
        await RunAsync(Template + variables, "kaniko-build");
        string digest = await DigestAsync("group/app:mine");
        Assert.Contains($"KIMG_DIGEST={digest}\n", await Artifact("kaniko-build", "kimg.env"), StringComparison.Ordinal);
        Assert.Equal("v", await LabelAsync("group/app:mine", "k"));
    }

    /// <summary>From the project's root or absolute, as in GitLab's template; there is no Dockerfile at the root that would make the job without them.</summary>
    [Theory]
    [InlineData("KANIKO_BUILD_CONTEXT: app", "app")]
    [InlineData("KANIKO_BUILD_CONTEXT: ./app/", "app")]
    [InlineData("KANIKO_BUILD_CONTEXT: PROJECT/app", "app")]
    [InlineData("KANIKO_BUILD_CONTEXT: app, DOCKERFILE_PATH: app/Dockerfile", "app")]
    [InlineData("KANIKO_BUILD_CONTEXT: app, DOCKERFILE_PATH: app/Dockerfile, KANIKO_ARGS: --reproducible", "app")]
    [InlineData("KANIKO_BUILD_CONTEXT: app, DOCKERFILE_PATH: docker/Dockerfile", "docker")]
    [InlineData("KANIKO_BUILD_CONTEXT: app, DOCKERFILE_PATH: Inside", "inside")]
    [InlineData("KANIKO_BUILD_CONTEXT: app, DOCKERFILE_PATH: Inside, KANIKO_ARGS: --reproducible", "inside")]
    [InlineData("DOCKERFILE_PATH: docker/Dockerfile", "docker")]
    [InlineData("DOCKERFILE_PATH: PROJECT/docker/Dockerfile", "docker")]
    [InlineData("DOCKERFILE_PATH: PROJECT/docker/Dockerfile, KANIKO_ARGS: --reproducible", "docker")]
    public async Task Kanikos_context_and_dockerfile_are_what_they_are_there(string variables, string built)
    {
        File.Delete(Path.Combine(Project, "Dockerfile"));
        foreach ((string file, string name) in new[] { ("app/Dockerfile", "app"), ("app/Inside", "inside"), ("docker/Dockerfile", "docker") })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Project, file))!);
            await File.WriteAllTextAsync(Path.Combine(Project, file), $"FROM scratch\nLABEL built={name}\nCOPY hello.txt /\n");
        }

        File.Copy(Path.Combine(Project, "hello.txt"), Path.Combine(Project, "app/hello.txt"));
        string lines = string.Concat(variables.Replace("PROJECT", Project, StringComparison.Ordinal).Split(", ").Select(v => $"  {v}\n"));
        await RunAsync(Template + "variables:\n" + lines);
        Assert.Equal(built, await LabelAsync("group/app:latest", "built"));
    }

    [Fact]
    public async Task Without_a_dockerfile_and_variables_there_is_no_job_and_nothing_of_the_template_is_in_others()
    {
        File.Delete(Path.Combine(Project, "Dockerfile"));
        ProgramResult result = await StartAsync(Template + "other:\n  script:\n    - env | sort\n");
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.DoesNotContain("kaniko-build", result.Output, StringComparison.Ordinal);
        Assert.Contains("CI_JOB_TOKEN", result.Output, StringComparison.Ordinal);
        Assert.DoesNotMatch("KIMG_BUILDER_IMAGE|KIMG_TAG|KANIKO_|DOCKERFILE_PATH", result.Output);
    }

    [Fact]
    public async Task What_kaniko_shall_not_push_is_not_pushed()
    {
        await RunAsync(Template + "variables:\n  KANIKO_NO_PUSH: 'true'\n", "kaniko-build");
        Assert.StartsWith("KIMG_DIGEST=sha256:", await Artifact("kaniko-build", "kimg.env"), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => DigestAsync("group/app:latest"));
    }

    [Theory]
    [InlineData("CI_COMMIT_TAG: v1.0.0/beta_2", "v1.0.0-beta2")]
    [InlineData("CI_COMMIT_BRANCH: Feature/My_One, CI_COMMIT_REF_NAME: Feature/My_One", "branch-Feature-MyOne")]
    public async Task Tags_are_those_of_gitlabs_template(string variables, string tag)
    {
        await RunAsync(Template + "kaniko-build:\n  variables:\n" + string.Concat(variables.Split(", ").Select(v => $"    {v}\n")), "kaniko-build");
        Assert.StartsWith("sha256:", await DigestAsync("group/app:" + tag), StringComparison.Ordinal);
    }

    /// <summary>What a release's template starts is that release.</summary>
    [Fact]
    public async Task The_image_of_the_jobs_is_that_of_this_version()
    {
        string version = Regex.Match(await File.ReadAllTextAsync(RepositoryFiles.Path("Directory.Build.props")), "<Version>(.*)</Version>").Groups[1].Value;
        string[] files = Directory.GetFiles(RepositoryFiles.Path("gitlab-ci-templates"), "*.yml", SearchOption.AllDirectories);
        string[] images = [.. files.SelectMany(file => Regex.Matches(File.ReadAllText(file), @"ghcr\.io/kimg/kimg:\S+").Select(match => match.Value))];
        Assert.Equal(3, images.Length);
        Assert.All(images, image => Assert.Equal($"ghcr.io/kimg/kimg:{version}-debug", image));
    }

    [Fact]
    public async Task The_component_takes_inputs()
    {
        await RunAsync(
            "include:\n  - local: templates/build/template.yml\n    inputs:\n      job: app-image\n      tag_rules: type=raw,value=one type=sha\n      check: warn\n", "app-image");
        Assert.Equal(await DigestAsync("group/app:one"), (await Artifact("app-image", "kimg.env")).Split('\n').First(l => l.StartsWith("KIMG_DIGEST=", StringComparison.Ordinal))[12..]);
    }

    [Fact]
    public async Task Findings_that_are_errors_fail_the_component()
    {
        ProgramResult result = await StartAsync("include:\n  - local: templates/build/template.yml\n    inputs:\n      check: error\n", "kimg-build");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("KIMG2009", result.Output + result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_architecture_has_a_job_and_the_last_one_makes_an_index()
    {
        await RunAsync("include:\n  - local: templates/multi-arch/template.yml\n    inputs:\n      tag: v1\nstages: [build, deploy]\n");
        string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/group/app:v1");
        using JsonDocument index = JsonDocument.Parse(raw);
        IEnumerable<string> architectures = index.RootElement.GetProperty("manifests").EnumerateArray()
            .Select(manifest => manifest.GetProperty("platform").GetProperty("architecture").GetString()!);
        Assert.Equal(["amd64", "arm64"], architectures.Order(StringComparer.Ordinal));
    }

    /// <summary>As the documents show them; what comes from GitLab or GitHub there is beside the pipeline here.</summary>
    [Theory]
    [InlineData("Kimg.gitlab-ci.yml", "kaniko-build", "latest")]
    [InlineData("component: ", "kimg-build", "main")]
    [InlineData("/kaniko/executor", "build", "v1")]
    public async Task Pipelines_of_the_documents_run(string part, string job, string tag)
    {
        string executor = _directory["bin/executor"];
        File.CreateSymbolicLink(executor, RepositoryFiles.Kimg);
        string pipeline = Regex.Replace(YamlBlock.With(part), "remote: .*", "local: Kimg.gitlab-ci.yml");
        pipeline = Regex.Replace(pipeline, "component: .*", "local: templates/build/template.yml").Replace("/kaniko/executor", executor, StringComparison.Ordinal);
        // A pipeline of a tag, for the one that names it; where the shell executor has its checkout gitlab-ci-local says otherwise than it is.
        if (tag == "v1") pipeline = pipeline.Replace("$CI_PROJECT_DIR", Project, StringComparison.Ordinal) + "variables:\n  CI_COMMIT_TAG: v1\n";
        await RunAsync(pipeline, job);
        Assert.StartsWith("sha256:", await DigestAsync("group/app:" + tag), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_dotnet_component_publishes_a_project()
    {
        // The base is any image: what is built of the project goes on top of it. Pushed with the same token.
        Dictionary<string, string> job = new() { ["KIMG_REGISTRY"] = _registry.Host, ["KIMG_REGISTRY_USER"] = "gitlab-ci-token", ["KIMG_REGISTRY_PASSWORD"] = "job-token" };
        string[] build = ["build", "--state-dir", _directory["data/kimg"], "--progress=none", "--push", "-t", $"{_registry.Host}/base:1", Project];
        (await HostProgram.RunAsync(RepositoryFiles.Kimg, build, job)).OutputOrThrow();
        string app = Directory.CreateDirectory(Path.Combine(Project, "app")).FullName;
        await File.WriteAllTextAsync(Path.Combine(app, "Program.cs"), "System.Console.WriteLine();\n");
        await File.WriteAllTextAsync(Path.Combine(app, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <UseAppHost>false</UseAppHost>
                <ContainerBaseImage>{_registry.Host}/base:1</ContainerBaseImage>
                <RestoreSources>{RepositoryFiles.Path("artifacts/packages")}</RestoreSources>
                <RestorePackagesPath>{_directory["packages"]}</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="Kimg.Tasks" Version="*" /></ItemGroup>
            </Project>
            """);
        await RunAsync("include:\n  - local: templates/dotnet/template.yml\n    inputs:\n      project: app\n      tag: $CI_COMMIT_REF_SLUG\n", "kimg-dotnet");
        string digest = await DigestAsync("group/app:main");
        Assert.Contains($"KIMG_DIGEST={digest}\n", await Artifact("kimg-dotnet", "kimg.env"), StringComparison.Ordinal);
        string layers = await HostProgram.MustAsync(
            "skopeo", "inspect", "--config", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/group/app:main");
        Assert.Contains("App.dll", layers, StringComparison.Ordinal);
    }

    private async Task RunAsync(string pipeline, params string[] arguments)
    {
        ProgramResult result = await StartAsync(pipeline, arguments);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    private async Task<ProgramResult> StartAsync(string pipeline, params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(Project, ".gitlab-ci.yml"), pipeline);
        Dictionary<string, string> environment = new()
        {
            ["PATH"] = $"{_directory["bin"]}:{Path.GetDirectoryName(await NodeTools.NodeAsync())}:{Environment.GetEnvironmentVariable("PATH")}", ["HOME"] = _directory["home"],
            ["XDG_DATA_HOME"] = _directory["data"],
        };
        string[] variables =
        [
            $"CI_REGISTRY={_registry.Host}", $"CI_REGISTRY_IMAGE={_registry.Host}/group/app", "CI_JOB_TOKEN=job-token", "CI_DEFAULT_BRANCH=main", "GITLAB_CI=true", $"XDG_DATA_HOME={_directory["data"]}",
        ];
        return await HostProgram.RunAsync(
            await NodeTools.NodeAsync(),
            [
                await NodeTools.PackageAsync("gitlab-ci-local/dist/index.js"), "--force-shell-executor", "--home", _directory["home"],
                .. variables.SelectMany(v => new[] { "--variable", v }), .. arguments,
            ],
            environment, Project, TimeSpan.FromMinutes(3));
    }

    private async Task<string> DigestAsync(string name) =>
        (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/{name}")).Trim();

    private async Task<string> LabelAsync(string name, string label) =>
        (await HostProgram.MustAsync("skopeo", "inspect", "--format", $"{{{{index .Labels \"{label}\"}}}}", "--creds=gitlab-ci-token:job-token", "--tls-verify=false", $"docker://{_registry.Host}/{name}")).Trim();

    private async Task<string> Artifact(string job, string name)
    {
        string[] found = [.. Directory.GetFiles(Path.Combine(Project, ".gitlab-ci-local"), name, SearchOption.AllDirectories), .. Directory.GetFiles(Project, name)];
        return found.Length > 0 ? await File.ReadAllTextAsync(found[0]) : throw new FileNotFoundException($"{job} left no {name}");
    }
}
