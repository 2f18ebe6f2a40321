using Kimg.Ci.Hosts;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

public sealed class CiHostTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kimg-ci-").FullName;
    private readonly Dictionary<string, string> _environment = [];

    private CiHost Host => CiDetection.Detect(name => _environment.GetValueOrDefault(name), Path.Combine(_directory, "results"));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("github", "refs/tags/v1", "GITHUB_ACTIONS=true GITHUB_REF=refs/tags/v1 GITHUB_SHA=c0ffee")]
    [InlineData("gitlab", "refs/heads/main", "GITLAB_CI=true CI_COMMIT_BRANCH=main CI_COMMIT_SHA=c0ffee")]
    [InlineData("gitlab", "refs/pull/5/merge", "GITLAB_CI=true CI_MERGE_REQUEST_IID=5 CI_COMMIT_SHA=c0ffee")]
    [InlineData("circleci", "refs/pull/9/merge", "CIRCLECI=true CIRCLE_BRANCH=x CIRCLE_PULL_REQUEST=https://github.com/o/r/pull/9 CIRCLE_SHA1=c0ffee")]
    [InlineData("azure", "refs/heads/main", "TF_BUILD=True BUILD_SOURCEBRANCH=refs/heads/main BUILD_SOURCEVERSION=c0ffee")]
    [InlineData("buildkite", "refs/heads/main", "BUILDKITE=true BUILDKITE_BRANCH=main BUILDKITE_PULL_REQUEST=false BUILDKITE_COMMIT=c0ffee")]
    [InlineData("bitbucket", "refs/tags/1.0", "BITBUCKET_BUILD_NUMBER=3 BITBUCKET_TAG=1.0 BITBUCKET_COMMIT=c0ffee")]
    [InlineData("jenkins", "refs/heads/main", "JENKINS_URL=http://j/ GIT_BRANCH=origin/main GIT_COMMIT=c0ffee")]
    [InlineData("none", "", "")]
    public void A_host_is_found_by_its_variables(string name, string reference, string variables)
    {
        foreach (string pair in variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)) _environment[pair.Split('=')[0]] = pair[(pair.IndexOf('=') + 1)..];
        Assert.Equal((name, reference, name == "none" ? "" : "c0ffee"), (Host.Name, Host.Facts.Ref, Host.Facts.Commit));
    }

    /// <summary>What provenance says of a run: source, revision, ref, run, builder.</summary>
    [Theory]
    [InlineData(
        "GITHUB_ACTIONS=true GITHUB_REPOSITORY=o/r GITHUB_SHA=c0ffee GITHUB_REF=refs/heads/main GITHUB_RUN_ID=42 GITHUB_WORKFLOW_REF=o/r/.github/workflows/ci.yml@refs/heads/main",
        "https://github.com/o/r", "refs/heads/main", "https://github.com/o/r/actions/runs/42", "https://github.com/o/r/.github/workflows/ci.yml@refs/heads/main")]
    [InlineData(
        "GITHUB_ACTIONS=true GITHUB_SERVER_URL=https://ghe.example GITHUB_REPOSITORY=o/r GITHUB_SHA=c0ffee GITHUB_REF=refs/tags/v1 GITHUB_RUN_ID=42",
        "https://ghe.example/o/r", "refs/tags/v1", "https://ghe.example/o/r/actions/runs/42", null)]
    [InlineData(
        "GITLAB_CI=true CI_PROJECT_URL=https://gitlab.example/g/app CI_COMMIT_SHA=c0ffee CI_COMMIT_TAG=v1 CI_JOB_URL=https://gitlab.example/g/app/-/jobs/7 CI_RUNNER_ID=12",
        "https://gitlab.example/g/app", "refs/tags/v1", "https://gitlab.example/g/app/-/jobs/7", "https://gitlab.example/g/app/-/runners/12")]
    [InlineData(
        "CIRCLECI=true CIRCLE_REPOSITORY_URL=git@github.com:o/r.git CIRCLE_SHA1=c0ffee CIRCLE_BRANCH=main CIRCLE_BUILD_URL=https://circleci.com/gh/o/r/7 CIRCLE_ORGANIZATION_ID=u-u",
        "https://github.com/o/r.git", "refs/heads/main", "https://circleci.com/gh/o/r/7", "https://oidc.circleci.com/org/u-u")]
    [InlineData(
        "TF_BUILD=True BUILD_REPOSITORY_URI=https://org@dev.azure.example/org/p/_git/r BUILD_SOURCEVERSION=c0ffee BUILD_SOURCEBRANCH=refs/heads/main "
        + "SYSTEM_COLLECTIONURI=https://dev.azure.example/org/ SYSTEM_TEAMPROJECT=p BUILD_BUILDID=9 SYSTEM_DEFINITIONID=3",
        "https://dev.azure.example/org/p/_git/r", "refs/heads/main", "https://dev.azure.example/org/p/_build/results?buildId=9", "https://dev.azure.example/org/p/_build?definitionId=3")]
    [InlineData(
        "BUILDKITE=true BUILDKITE_REPO=ssh://git@git.example:2222/o/r.git BUILDKITE_COMMIT=c0ffee BUILDKITE_BRANCH=main BUILDKITE_BUILD_URL=https://buildkite.com/o/r/builds/7",
        "https://git.example/o/r.git", "refs/heads/main", "https://buildkite.com/o/r/builds/7", "https://buildkite.com/o/r")]
    [InlineData(
        "BITBUCKET_BUILD_NUMBER=3 BITBUCKET_GIT_HTTP_ORIGIN=http://bitbucket.org/o/r BITBUCKET_REPO_FULL_NAME=o/r BITBUCKET_COMMIT=c0ffee BITBUCKET_BRANCH=main",
        "http://bitbucket.org/o/r", "refs/heads/main", "https://bitbucket.org/o/r/pipelines/results/3", "https://bitbucket.org/o/r/pipelines")]
    [InlineData(
        "JENKINS_URL=https://j.example/ GIT_URL=https://user:hunter2@git.example/o/r.git GIT_COMMIT=c0ffee GIT_BRANCH=origin/main BUILD_URL=https://j.example/job/r/7/",
        "https://git.example/o/r.git", "refs/heads/main", "https://j.example/job/r/7/", "https://j.example/")]
    [InlineData(
        "RESULTS KIMG_CI_URL=git@git.example:o/r.git KIMG_CI_COMMIT=c0ffee KIMG_CI_REF=main KIMG_CI_RUN=https://tekton.example/run KIMG_CI_BUILDER=https://tekton.example/chains/v2",
        "https://git.example/o/r.git", "refs/heads/main", "https://tekton.example/run", "https://tekton.example/chains/v2")]
    [InlineData("KIMG_CI_URL=https://git.example/o/r KIMG_CI_COMMIT=c0ffee KIMG_CI_REF=refs/tags/v1", "https://git.example/o/r", "refs/tags/v1", null, null)]
    public void Where_a_build_came_from_is_known_on_every_host(string variables, string source, string reference, string? run, string? builder)
    {
        foreach (string pair in variables.Split(' '))
        {
            if (pair == "RESULTS") Directory.CreateDirectory(Path.Combine(_directory, "results"));
            else _environment[pair.Split('=')[0]] = pair[(pair.IndexOf('=') + 1)..];
        }

        CiFacts facts = Host.Facts;
        Assert.Equal((source, "c0ffee", reference, run, builder), (facts.Url, facts.Commit, facts.Ref, facts.RunUrl, facts.Builder));
    }

    [Theory]
    [InlineData("KIMG_CI_COMMIT_DATE=1600000000 SOURCE_DATE_EPOCH=1", 1600000000)]
    [InlineData("KIMG_CI_COMMIT_DATE=2020-09-13T14:26:40+02:00", 1600000000)]
    [InlineData("SOURCE_DATE_EPOCH=1600000000", 1600000000)]
    [InlineData("GITLAB_CI=true CI_COMMIT_TIMESTAMP=2020-09-13T12:26:40Z SOURCE_DATE_EPOCH=1", 1600000000)]
    [InlineData("CIRCLECI=true SOURCE_DATE_EPOCH=1600000000", 1600000000)]
    [InlineData("KIMG_CI_COMMIT_DATE= SOURCE_DATE_EPOCH=", null)]
    public void A_date_that_the_host_does_not_give_the_pipeline_does(string variables, int? seconds)
    {
        foreach (string pair in variables.Split(' ')) _environment[pair.Split('=')[0]] = pair[(pair.IndexOf('=') + 1)..];
        Assert.Equal(seconds, Host.Facts.CommitDate?.ToUnixTimeSeconds());
    }

    [Fact]
    public void Tekton_takes_results_as_files()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "results"));
        Assert.Equal("tekton", Host.Name);
        Host.Publish([new("digest", "sha256:1"), new("image", "r.example/a@sha256:1"), new("metadata", new string('x', 2000))]);
        Assert.Equal("sha256:1", File.ReadAllText(Path.Combine(_directory, "results/IMAGE_DIGEST")));
        Assert.Equal("r.example/a@sha256:1", File.ReadAllText(Path.Combine(_directory, "results/IMAGE_URL")));
        Assert.False(File.Exists(Path.Combine(_directory, "results/metadata")));
    }

    [Fact]
    public void Text_of_a_build_cannot_give_the_host_commands()
    {
        var annotation = new CiAnnotation(true, "a,b:c/Dockerfile", 3, 4, "Rule,x", "50% \n::set-output name=x::y");
        _environment["GITHUB_ACTIONS"] = "true";
        Assert.Equal("::error file=a%2Cb%3Ac/Dockerfile,line=3,endLine=4,title=Rule%2Cx::50%25 %0A::set-output name=x::y\n", Host.Annotate(annotation));
        _environment.Clear();
        _environment["TF_BUILD"] = "True";
        Assert.Equal("##vso[task.logissue type=error;sourcepath=a,b:c/Dockerfile;linenumber=3;code=Rule,x]50%AZP25 %0A::set-output name=x::y\n", Host.Annotate(annotation));
        _environment.Clear();
        Assert.Equal("a,b:c/Dockerfile:3: error: Rule,x: 50% ; ::set-output name=x::y\n", Host.Annotate(annotation));
    }

    [Fact]
    public void An_output_of_many_lines_cannot_end_itself()
    {
        string file = Path.Combine(_directory, "output");
        (_environment["GITHUB_ACTIONS"], _environment["GITHUB_OUTPUT"]) = ("true", file);
        Host.Publish([new("tags", "a\nb")]);
        string[] lines = File.ReadAllLines(file);
        Assert.Equal(4, lines.Length);
        Assert.Equal("tags<<" + lines[3], lines[0]);
        Assert.Equal("::add-mask::p%25w\n::add-mask::second\n", Host.Mask("p%w\nsecond\n"));
    }

    [Fact]
    public void The_event_tells_github_what_variables_do_not()
    {
        string payload = Path.Combine(_directory, "event.json");
        File.WriteAllText(payload, """{"repository":{"default_branch":"trunk","description":"An app","html_url":"https://github.com/o/r","license":{"spdx_id":"MIT"}},"head_commit":{"timestamp":"2026-01-02T03:04:05Z"}}""");
        foreach ((string name, string value) in new[] { ("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "O/r"), ("GITHUB_EVENT_PATH", payload), ("GITHUB_REF", "refs/heads/trunk") }) _environment[name] = value;
        CiFacts facts = Host.Facts;
        Assert.Equal(("trunk", "An app", "MIT", "ghcr.io/o/r"), (facts.DefaultBranch, facts.Description, facts.License, facts.DefaultImage));
        Assert.Equal(2026, facts.CommitDate!.Value.Year);
    }

    [Fact]
    public void Circle_exports_to_later_steps_without_running_what_values_hold()
    {
        string file = Path.Combine(_directory, "env");
        (_environment["CIRCLECI"], _environment["BASH_ENV"]) = ("true", file);
        Host.Publish([new("platform-digests", "it's $(date)")]);
        Assert.Equal("export KIMG_PLATFORM_DIGESTS='it'\\''s $(date)'\n", File.ReadAllText(file));
    }
}
