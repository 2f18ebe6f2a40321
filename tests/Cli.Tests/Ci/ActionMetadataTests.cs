using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

/// <summary>Events, variables and inputs of docker/metadata-action, as the action reads them.</summary>
public sealed class ActionMetadataTests : IDisposable
{
    private const string Forked = """{"number":12,"pull_request":{"head":{"sha":"fade0123456789"},"base":{"ref":"main"}},"repository":{"default_branch":"main"}}""";

    private readonly ActionScene _scene = new();

    public void Dispose() => _scene.Dispose();

    /// <summary>The variables of such a job name the base branch, whose tag a fork must not get.</summary>
    [Theory]
    [InlineData(Forked, "", "r.example/a:pr-12")]
    [InlineData(Forked, "type=ref,event=branch\ntype=raw,value=x,enable={{is_default_branch}}\ntype=ref,event=pr,prefix=", "r.example/a:12")]
    [InlineData("{}", "", "")]
    public async Task A_pull_request_target_has_the_tag_of_its_pull_request(string payload, string rules, string names)
    {
        _scene.Event("pull_request_target", payload);
        await _scene.SucceedAsync(("images", "r.example/a"), ("tags", rules));
        Assert.Equal(names, string.Join(' ', _scene.Request.Names));
    }

    [Theory]
    [InlineData("pull_request", "true", "fade012")]
    [InlineData("pull_request_target", "True", "fade012")]
    [InlineData("pull_request", "false", "c0ffee0")]
    [InlineData("pull_request", "", "c0ffee0")]
    [InlineData("push", "true", "c0ffee0")]
    public async Task The_commit_of_a_pull_request_is_its_own_when_asked_for(string name, string variable, string commit)
    {
        _scene.Event(name, Forked);
        _scene.Host.Environment["DOCKER_METADATA_PR_HEAD_SHA"] = variable;
        await _scene.SucceedAsync(("images", "r.example/a"), ("tags", "type=sha"));
        Assert.Equal($"r.example/a:sha-{commit}", Assert.Single(_scene.Request.Names).ToString());
        Assert.StartsWith(commit, _scene.Request.Labels["org.opencontainers.image.revision"], StringComparison.Ordinal);
        // What the job checked out is another commit, and that is what its reader has to build.
        Assert.Contains("git checkout c0ffee0123456789\n", _scene.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r.example/a,s.example/B", "r.example/a:x s.example/b:x")]
    [InlineData("\"r.example/a\",s.example/b", "r.example/a:x s.example/b:x")]
    [InlineData("r.example/a,s.example/b\nt.example/c", "r.example/a:x s.example/b:x t.example/c:x")]
    [InlineData("name=r.example/a,enable=true\nName=s.example/b,Enable=false\n# no\nt.example/c", "r.example/a:x t.example/c:x")]
    [InlineData("name=r.example/a,enable={{is_default_branch}}", "")]
    [InlineData("name=r.example/a,enable=false", "")]
    public async Task Images_are_read_in_both_formats(string images, string names)
    {
        await _scene.SucceedAsync(("images", images), ("tags", "x"));
        Assert.Equal(names, string.Join(' ', _scene.Request.Names));
    }

    [Theory]
    [InlineData("name=r.example/a,enable=True", "enable= is 'True'")]
    [InlineData("name=r.example/a,enable=", "enable= is ''")]
    [InlineData("name=,enable=true", "names no image")]
    [InlineData("enable=true", "names no image")]
    [InlineData("r.example/a,s.example/b,enable=true", "names two images")]
    [InlineData("nam=r.example/a", "unknown key 'nam'")]
    public async Task Images_that_are_wrong_are_an_error(string images, string message) => await _scene.FailAsync(message, ("images", images), ("tags", "x"));

    [Fact]
    public async Task To_push_without_an_enabled_image_is_an_error() =>
        await _scene.FailAsync("a name is needed to push", ("images", "name=r.example/a,enable=false"), ("push", "true"));

    [Theory]
    [InlineData("type=raw,\"value=a\"", "r.example/a:a")]
    [InlineData("\"type=raw,value=a\"", "r.example/a:a")]
    [InlineData("type=raw,\"value=a,b\"", "r.example/a:a-b")]
    [InlineData("# comment\ntype=raw,value=a # no comment", "r.example/a:a-no-comment")]
    public async Task Rules_may_stand_in_quotes(string rules, string names)
    {
        await _scene.SucceedAsync(("images", "r.example/a"), ("tags", rules));
        Assert.Equal(names, string.Join(' ', _scene.Request.Names));
    }

    [Theory]
    [InlineData("3", "sha-c0f")]
    [InlineData("99", "sha-c0ffee0123456789")]
    [InlineData("", "sha-c0ffee0")]
    public async Task The_length_of_a_short_commit_is_a_variable_everywhere(string length, string tag)
    {
        _scene.Host.Environment["DOCKER_METADATA_SHORT_SHA_LENGTH"] = length;
        await _scene.SucceedAsync(("images", "r.example/a"), ("tags", "type=sha"));
        Assert.Equal("r.example/a:" + tag, Assert.Single(_scene.Request.Names).ToString());
        Assert.Equal(0, await _scene.Host.RunAsync("ci", "build", "--image=r.example/a", "--tag-rule=type=sha", "app"));
        Assert.Equal("r.example/a:" + tag, Assert.Single(_scene.Request.Names).ToString());
    }

    [Theory]
    [InlineData("DOCKER_METADATA_SHORT_SHA_LENGTH", "-1")]
    [InlineData("DOCKER_METADATA_SHORT_SHA_LENGTH", "0")]
    [InlineData("DOCKER_METADATA_SHORT_SHA_LENGTH", "seven")]
    [InlineData("DOCKER_BUILD_SUMMARY", "maybe")]
    [InlineData("DOCKER_BUILD_CHECKS_ANNOTATIONS", "maybe")]
    public async Task A_variable_that_is_wrong_is_named(string variable, string value)
    {
        _scene.Host.Environment[variable] = value;
        await _scene.FailAsync($"{variable} is '{value}'", ("images", "r.example/a"), ("tags", "type=sha"));
    }

    [Theory]
    [InlineData("", "manifest")]
    [InlineData("index", "index")]
    [InlineData("manifest,index", "manifest index")]
    public async Task Annotations_of_rules_are_rendered_and_joined_by_those_of_the_repository(string levels, string expected)
    {
        _scene.Host.Environment["DOCKER_METADATA_ANNOTATIONS_LEVELS"] = levels;
        await _scene.SucceedAsync(
            ("images", "r.example/a"), ("tags", "v1"), ("annotations", "at={{branch}}\n# no\norg.opencontainers.image.title=Mine\nmanifest-descriptor:own={{sha}}"));
        Annotation[] made = [.. _scene.Request.Annotations];
        foreach (string level in expected.Split(' '))
        {
            Assert.Equal("main", Assert.Single(made, a => a.Level == level && a.Key == "at").Value);
            Assert.Equal("Mine", Assert.Single(made, a => a.Level == level && a.Key == "org.opencontainers.image.title").Value);
            Assert.Equal("c0ffee0123456789", Assert.Single(made, a => a.Level == level && a.Key == "org.opencontainers.image.revision").Value);
        }

        Assert.Equal("c0ffee0", Assert.Single(made, a => a.Level == "manifest-descriptor").Value);
        Assert.Equal(1 + (expected.Split(' ').Length * made.Count(a => a.Level == expected.Split(' ')[0])), made.Length);
    }

    [Fact]
    public async Task Without_the_input_annotations_there_are_none_and_without_rules_they_are_taken_as_they_are()
    {
        await _scene.SucceedAsync(("images", "r.example/a"));
        Assert.Empty(_scene.Request.Annotations);
        await _scene.SucceedAsync(("images", ""), ("annotations", "a={{x}}"));
        Assert.Equal("{{x}}", Assert.Single(_scene.Request.Annotations).Value);
    }

    [Theory]
    [InlineData("", "", true, true)]
    [InlineData("false", "", false, true)]
    [InlineData("0", "false", false, false)]
    [InlineData("true", "false", true, false)]
    public async Task Build_push_actions_variables_switch_off_the_summary_and_the_findings(string summary, string annotations, bool told, bool shown)
    {
        (_scene.Host.Environment["DOCKER_BUILD_SUMMARY"], _scene.Host.Environment["DOCKER_BUILD_CHECKS_ANNOTATIONS"]) = (summary, annotations);
        _scene.Host.Engine.Result = _scene.Host.Engine.Result with { Warnings = [new("FromAsCasing", "Casing", "as is lower case", new("Dockerfile", 1, 1, 1, 5))] };
        await _scene.SucceedAsync();
        Assert.Equal(told, File.Exists(Path.Combine(_scene.Host.WorkingDirectory, "summary.md")));
        Assert.Equal(shown, _scene.Host.Error.Contains("::warning file=app/Dockerfile,line=1,title=FromAsCasing::", StringComparison.Ordinal));
        if (told) Assert.Contains("FromAsCasing", _scene.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_are_shown_even_where_findings_are_not()
    {
        _scene.Host.Environment["DOCKER_BUILD_CHECKS_ANNOTATIONS"] = "false";
        _scene.Host.Engine.Report = new([new("FromAsCasing", "Casing", "as is lower case", new("Dockerfile", 1, 1, 1, 5))], null) { FileName = "Dockerfile", Source = new("") };
        Assert.Equal(3, await _scene.RunAsync(("check", "error")));
        Assert.DoesNotContain("title=FromAsCasing", _scene.Host.Error, StringComparison.Ordinal);
        Assert.Contains("::error title=KIMG2009::1 finding in 'app/Dockerfile'", _scene.Host.Error, StringComparison.Ordinal);
    }
}
