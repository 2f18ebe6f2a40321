using System.Text.Json;
using Kimg.Cli.Tests.Progress;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

public sealed class CiBuildTests : IDisposable
{
    private static readonly LintWarning s_warning = new("StageNameCasing", "Stage names", "Stage name 'Base' is upper case", new SourceSpan("Dockerfile", 2, 1, 2, 5));

    private readonly TestHost _host = new();

    public CiBuildTests()
    {
        _host.Write("app/Dockerfile", "FROM scratch\n");
        var platform = new PlatformImage(Platform.Parse("linux/amd64"), RecordingEngine.Root, ReadOnlyMemory<byte>.Empty, [RecordingEngine.Root]);
        _host.Engine.Image = new ImageReport("app", RecordingEngine.Root, ReadOnlyMemory<byte>.Empty, [platform]);
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_gitlab_job_has_a_folded_log_a_dotenv_and_a_code_quality_report()
    {
        GitLab();
        _host.Engine.Events = Recording.Failing().Events;
        _host.Engine.Result = _host.Engine.Result with { Warnings = [s_warning] };
        Assert.Equal(0, await _host.RunAsync("ci", "build", "--tag-rule", "type=ref,event=branch", "--oci-labels", "--push", "--dotenv=out/kimg.env", "--codequality=out/cq.json", "--sarif=out/s.sarif", "app"));
        Assert.Equal("gitlab.example/g/app:main", _host.Engine.Request!.Names[0].ToString());
        Assert.Equal("c0ffee", _host.Engine.Request.Labels["org.opencontainers.image.revision"]);
        Assert.Contains($"KIMG_DIGEST={RecordingEngine.Root.Digest}\n", Read("out/kimg.env"), StringComparison.Ordinal);
        using JsonDocument report = JsonDocument.Parse(Read("out/cq.json"));
        Assert.Equal("app/Dockerfile", report.RootElement[0].GetProperty("location").GetProperty("path").GetString());
        Assert.Equal(2, report.RootElement[0].GetProperty("location").GetProperty("lines").GetProperty("begin").GetInt32());
        Assert.Contains("app/Dockerfile", Read("out/s.sarif"), StringComparison.Ordinal);
        int begin = _host.Error.IndexOf("section_start:", StringComparison.Ordinal), end = _host.Error.IndexOf("section_end:", StringComparison.Ordinal);
        Assert.InRange(_host.Error.IndexOf("#3 CACHED", StringComparison.Ordinal), begin, end);
        Assert.True(_host.Error.IndexOf("------\n > ", StringComparison.Ordinal) > end, _host.Error);
        Assert.Equal(RecordingEngine.Root.Digest + "\n", _host.Output);
    }

    [Fact]
    public async Task Labels_metadata_and_summary_say_where_the_image_came_from()
    {
        GitHub(("context", "app"), ("images", "ghcr.io/o/app"), ("push", "true"));
        (_host.Environment["GITHUB_RUN_ID"], _host.Environment["GITHUB_WORKFLOW_REF"]) = ("42", "o/app/.github/workflows/w.yml@refs/heads/main");
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        Assert.Equal("https://github.com/o/app", _host.Engine.Request!.Labels["org.opencontainers.image.source"]);
        Assert.Contains("| source | https://github.com/o/app `c0ffee` refs/heads/main |\n", Read("summary.md"), StringComparison.Ordinal);
        string[] lines = Read("output").Split('\n');
        int begin = Array.FindIndex(lines, l => l.StartsWith("metadata<<", StringComparison.Ordinal));
        using JsonDocument metadata = JsonDocument.Parse(string.Join('\n', lines[(begin + 1)..Array.IndexOf(lines, lines[begin]["metadata<<".Length..])]));
        JsonElement facts = metadata.RootElement.GetProperty("kimg.ci");
        Assert.Equal(
            ["github", "https://github.com/o/app", "c0ffee", "refs/heads/main", "https://github.com/o/app/actions/runs/42", "https://github.com/o/app/.github/workflows/w.yml@refs/heads/main"],
            new[] { "host", "source", "revision", "ref", "run", "builder" }.Select(n => facts.GetProperty(n).GetString()));
    }

    [Fact]
    public async Task The_default_rules_and_a_given_image_do_on_any_host()
    {
        (_host.Environment["CIRCLECI"], _host.Environment["CIRCLE_TAG"]) = ("true", "v1.0");
        Assert.Equal(0, await _host.RunAsync("ci", "build", "--image=r.example/a", "--tag-rule=default", "-t", "r.example/a:own", "app"));
        Assert.Equal(["r.example/a:v1.0", "r.example/a:latest", "r.example/a:own"], _host.Engine.Request!.Names.Select(n => n.ToString()));
        Assert.Equal(2, await _host.RunAsync("ci", "build", "--tag-rule=default", "app"));
        Assert.Contains("--image REGISTRY/NAME", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Findings_fail_the_job_before_it_builds_when_they_are_errors()
    {
        GitHub(("check", "error"), ("context", "app"));
        _host.Engine.Report = new CheckResult([s_warning], null) { FileName = "Dockerfile", Source = new SourceText("") };
        Assert.Equal(3, await _host.RunAsync("ci", "github"));
        Assert.DoesNotContain("build", _host.Engine.Calls);
        Assert.Contains("::error file=app/Dockerfile,line=2,title=StageNameCasing::Stage name 'Base' is upper case\n", _host.Error, StringComparison.Ordinal);
        Assert.Contains("KIMG2009", Read("summary.md"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_inputs_of_build_push_action_mean_the_same()
    {
        GitHub(
            ("context", "app"), ("file", "app/Dockerfile"), ("tags", "r.example/a:1\nr.example/a:2, r.example/a:3"), ("push", "true"), ("build-args", "A=1\nB=two, three"),
            ("labels", "k=v"), ("platforms", "linux/amd64,linux/arm64"), ("secrets", "TOKEN=s3cret\n\"KEY=line1\nline2\""), ("secret-envs", "E=ENV_NAME"), ("no-cache-filters", "a,b"),
            ("outputs", ""), ("provenance", "false"), ("github-token", "ght"), ("cache", "registry"), ("cache-mounts", "true"), ("network", "host"), ("add-hosts", "h:10.0.0.1"));
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        BuildRequest request = _host.Engine.Request!;
        Assert.Equal(["r.example/a:1", "r.example/a:2", "r.example/a:3"], request.Names.Select(n => n.ToString()));
        Assert.Equal("two, three", request.BuildArgs["B"]);
        Assert.Equal(2, request.Platforms.Length);
        Assert.True(Assert.Single(request.Outputs).Push);
        Assert.Equal(["E", "TOKEN", "KEY"], request.Secrets.Select(s => s.Id));
        Assert.Equal("line1\nline2", _host.EngineOptions!.Variables[request.Secrets[2].Variable!]);
        Assert.Equal("ght", _host.EngineOptions.Variables["GITHUB_TOKEN"]);
        Assert.Equal("r.example/a:kimg-cache-linux-amd64-linux-arm64", request.CacheFrom[0].Location.ToString());
        CacheDestination cache = Assert.Single(request.CacheTo);
        Assert.True(cache.AllSteps);
        Assert.Equal(["*"], cache.Mounts);
        foreach (string mask in new[] { "s3cret", "line1", "line2", "ght" }) Assert.Contains($"::add-mask::{mask}\n", _host.Error, StringComparison.Ordinal);
        string[] afterMasks = [.. _host.Error.Split('\n').Where(l => !l.StartsWith("::add-mask::", StringComparison.Ordinal))];
        Assert.DoesNotContain(afterMasks, l => l.Contains("s3cret", StringComparison.Ordinal));
        Assert.DoesNotContain("s3cret", Read("summary.md"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_step_makes_tags_and_labels_and_tells_later_steps()
    {
        GitHub(("context", "app"), ("images", "ghcr.io/o/app"), ("tags", "type=semver,pattern={{version}}\ntype=semver,pattern={{major}}"), ("push", "true"));
        _host.Environment["GITHUB_REF"] = "refs/tags/v1.2.3";
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        Assert.Equal(["ghcr.io/o/app:1.2.3", "ghcr.io/o/app:1", "ghcr.io/o/app:latest"], _host.Engine.Request!.Names.Select(n => n.ToString()));
        string outputs = Read("output");
        Assert.Contains($"\n{RecordingEngine.Root.Digest}\n", outputs, StringComparison.Ordinal);
        Assert.Contains("version<<", outputs, StringComparison.Ordinal);
        Assert.Contains("{\"linux/amd64\":\"", outputs, StringComparison.Ordinal);
        string summary = Read("summary.md");
        Assert.Contains("git checkout c0ffee", summary, StringComparison.Ordinal);
        Assert.Contains("kimg build --tag=ghcr.io/o/app:1.2.3", summary, StringComparison.Ordinal);
        Assert.Contains("linux/amd64: 1 layers, 4 B", summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runners_of_a_matrix_are_merged_and_layouts_pushed_as_they_are()
    {
        string one = "sha256:" + new string('1', 64), two = "sha256:" + new string('2', 64);
        GitHub(("merge", $"{one}\nghcr.io/o/app@{two}"), ("tags", "ghcr.io/o/app:1"));
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        Assert.Contains(_host.Engine.Calls, c => c.StartsWith($"index registry ghcr.io/o/app@{one} registry ghcr.io/o/app@{two} → registry ghcr.io/o/app:1 ", StringComparison.Ordinal));
        GitHub(("merge", ""), ("push-from", "layout"), ("tags", "ghcr.io/o/app:1,ghcr.io/o/app:2"));
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        Assert.Equal(2, _host.Engine.Calls.Count(c => c.StartsWith($"copy layout {_host.WorkingDirectory}/layout", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("TF_BUILD", "##vso[task.setsecret]")]
    [InlineData("GITHUB_ACTIONS", "::add-mask::")]
    public async Task The_values_of_secrets_are_hidden_before_anything_is_built(string host, string command)
    {
        (_host.Environment[host], _host.Environment["T"]) = ("true", "from-variable");
        _host.Write("key.json", "{\n  \"k\": \"in-a-file\"\n}\n");
        _host.Engine.Events = Recording.Failing().Events;
        Assert.True(await _host.RunAsync("ci", "build", "--secret=id=t,env=T", "--secret=id=f,src=key.json", "--secret=id=none,env=NONE", "app") == 0, _host.Error);
        int built = _host.Error.IndexOf("#3 CACHED", StringComparison.Ordinal);
        foreach (string value in new[] { "from-variable", "  \"k\": \"in-a-file\"" }) Assert.InRange(_host.Error.IndexOf($"{command}{value}\n", StringComparison.Ordinal), 0, built);
        // Every brace of the log would be hidden, and outputs with braces dropped.
        Assert.DoesNotContain($"{command}{{\n", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_summary_names_everything_that_makes_the_image_and_no_secret()
    {
        (_host.Environment["SOURCE_DATE_EPOCH"], _host.Environment["E"]) = ("1600000000", "hunter2");
        GitHub(
            ("context", "app"), ("images", "ghcr.io/o/app"), ("labels", "own=la bel"), ("annotations", "a=b"), ("secrets", "tok=hunter2"), ("secret-envs", "env=E"), ("github-token", "ght"),
            ("outputs", "type=image,compression=zstd,oci-mediatypes=true,push=true"));
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        string command = Read("summary.md").Split('\n').Single(l => l.StartsWith("SOURCE_DATE_EPOCH=1600000000 kimg build ", StringComparison.Ordinal));
        foreach (string part in new[]
        {
            " --label=org.opencontainers.image.revision=c0ffee ", " --label='own=la bel' ", " --annotation=manifest:a=b ", " --secret=id=tok ", " --secret=id=env ",
            " --output=type=image,compression=zstd,oci-mediatypes=true ",
        }) Assert.Contains(part, command, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", command, StringComparison.Ordinal);
        Assert.DoesNotContain("GIT_AUTH_TOKEN", command, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("merge", "ghcr.io/o/app:amd64\nghcr.io/o/app:arm64")]
    [InlineData("push-from", "layout")]
    public async Task What_is_not_built_has_the_outputs_of_an_image_too(string input, string value)
    {
        GitHub((input, value), ("images", "ghcr.io/o/app"), ("tags", "v1"), ("labels", "own=label"));
        Assert.True(await _host.RunAsync("ci", "github") == 0, _host.Error);
        string outputs = Read("output");
        foreach (string part in new[] { "version<<", "\nv1\n", "labels<<", "\nown=label\n", "imageid<<", "platform-digests<<", "{\"linux/amd64\":\"", "metadata<<", "\"containerimage.digest\": \"sha256:", "\"kimg.ci\": {" })
            Assert.Contains(part, outputs, StringComparison.Ordinal);
        Assert.DoesNotContain("cache-hit<<", outputs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_is_shown_on_its_line_and_in_the_summary()
    {
        GitHub(("context", "app"));
        _host.Engine.Failure = new KimgException(ErrorCode.StepFailed, "RUN make failed") { Span = new SourceSpan("Dockerfile", 7, 1, 9, 1), Hint = "look" };
        Assert.Equal(4, await _host.RunAsync("ci", "github"));
        Assert.Contains("::error file=app/Dockerfile,line=7,endLine=9,title=KIMG3001::RUN make failed%0Alook\n", _host.Error, StringComparison.Ordinal);
        Assert.Contains("**KIMG3001** RUN make failed", Read("summary.md"), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_host.WorkingDirectory, "output")));
    }

    [Theory]
    [InlineData("check", "maybe", "it takes warn, error, off")]
    [InlineData("push", "yes", "write push: true or push: false")]
    [InlineData("sbom", "true", "--sbom=true is not supported")]
    [InlineData("cache-mounts", "true", "cache: gha")]
    [InlineData("tags", "type=semver", "pattern= is missing")]
    [InlineData("secrets", "hunter2", "write a line for each: KEY=VALUE")]
    public async Task Inputs_that_are_wrong_say_what_to_write(string input, string value, string message)
    {
        GitHub(("context", "app"), (input, value));
        Assert.Equal(2, await _host.RunAsync("ci", "github"));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Elsewhere_the_action_says_what_to_use()
    {
        Assert.Equal(2, await _host.RunAsync("ci", "github"));
        Assert.Contains("use kimg ci build", _host.Error, StringComparison.Ordinal);
        GitLab();
        Assert.Equal(0, await _host.RunAsync("ci", "detect"));
        Assert.StartsWith("host            gitlab\n", _host.Output, StringComparison.Ordinal);
    }

    private void GitLab()
    {
        foreach ((string name, string value) in new[]
        {
            ("GITLAB_CI", "true"), ("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_SHA", "c0ffee"), ("CI_REGISTRY_IMAGE", "gitlab.example/g/app"), ("CI_PROJECT_DIR", _host.WorkingDirectory),
        }) _host.Environment[name] = value;
    }

    private void GitHub(params (string Name, string Value)[] inputs)
    {
        foreach ((string name, string value) in new[]
        {
            ("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/app"), ("GITHUB_SHA", "c0ffee"), ("GITHUB_REF", "refs/heads/main"), ("GITHUB_WORKSPACE", _host.WorkingDirectory),
            ("GITHUB_OUTPUT", Path.Combine(_host.WorkingDirectory, "output")), ("GITHUB_STEP_SUMMARY", Path.Combine(_host.WorkingDirectory, "summary.md")),
        }) _host.Environment[name] = value;
        foreach ((string name, string value) in inputs) _host.Environment["INPUT_" + name.ToUpperInvariant()] = value;
    }

    private string Read(string path) => File.ReadAllText(Path.Combine(_host.WorkingDirectory, path));
}
