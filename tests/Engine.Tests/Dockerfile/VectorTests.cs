using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Dockerfile;

/// <summary>Runs the language-neutral cases of tests/vectors/dockerfile: a folder per case, the expected output beside the input.
/// KIMG_UPDATE_GOLDEN=1 rewrites the expectations; review the difference.</summary>
public sealed class VectorTests
{
    /// <summary>What is wrong stands in no line of the Dockerfile: an option, or a build argument.</summary>
    private static readonly string[] s_aboutTheRequest = ["target-number-unknown", "target-unknown", "epoch-word", "check-argument", "syntax-argument"];

    public static TheoryData<string> Cases(string suite) => VectorCase.Names(suite);

    [Theory, MemberData(nameof(Cases), "parse")]
    public void Parses_into_the_expected_nodes(string name) => VectorCase.Run("parse", name, "ast.txt", c => GraphText.Ast(Parse(c)));

    [Theory, MemberData(nameof(Cases), "heredoc")]
    public void Parses_here_documents(string name) => VectorCase.Run("heredoc", name, "ast.txt", c => GraphText.Ast(Parse(c)));

    [Theory, MemberData(nameof(Cases), "directive")]
    public void Reads_directives(string name) => VectorCase.Run("directive", name, "directives.txt", c =>
    {
        string text = PathText.Decode(c.Bytes("Dockerfile"));
        ParserDirective? syntax = ParserDirective.DetectSyntax(text), check = ParserDirective.Find(text, "check");
        return $"syntax {(syntax is null ? "-" : $"{syntax.Line} {syntax.Value}")}\ncheck {(check is null ? "-" : $"{check.Line} {check.Value}")}\n"
            + Try(() => $"escape {DockerfileParser.Parse(text, "Dockerfile").Escape}\n");
    });

    [Theory, MemberData(nameof(Cases), "expand")]
    public void Expands_words(string name) => VectorCase.Run("expand", name, "expected", c =>
    {
        var env = new EnvList();
        foreach (string line in c.SuiteText("env").Split('\n', StringSplitOptions.RemoveEmptyEntries)) env.Set(ImageDraft.KeyOf(line), ImageDraft.ValueOf(line));
        string word = c.Text("word").TrimEnd('\n');
        return Try(() =>
        {
            var expander = new WordExpander('\\', env, new LoweringBudget());
            return $"{expander.Expand(word)}\nmatched {string.Join(' ', expander.Matched.Order())}\nunmatched {string.Join(' ', expander.Unmatched.Order())}\n";
        });
    });

    [Theory, MemberData(nameof(Cases), "error")]
    public async Task Refuses_with_place_and_hint(string name) => await VectorCase.RunAsync("error", name, "error.txt", async c =>
    {
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => FakeHost.LowerAsync(PathText.Decode(c.Bytes("Dockerfile")), c.Options()));
        return GraphText.Error(error);
    });

    [Theory, MemberData(nameof(Cases), "error")]
    public async Task Every_error_in_a_Dockerfile_has_a_place_and_says_what_to_do(string name)
    {
        var vector = new VectorCase("error", name);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => FakeHost.LowerAsync(PathText.Decode(vector.Bytes("Dockerfile")), vector.Options()));
        Assert.False(string.IsNullOrWhiteSpace(error.Hint), "no hint");
        if (s_aboutTheRequest.Contains(name)) return;
        Assert.NotNull(error.Span);
        Assert.Equal("Dockerfile", error.Span.File);
        Assert.InRange(error.Span.StartLine, 1, error.Span.Source!.Lines.Count);
        Assert.InRange(error.Span.StartColumn, 1, error.Span.Source.Lines[error.Span.StartLine - 1].Length + 1);
    }

    [Theory, MemberData(nameof(Cases), "lower")]
    public async Task Lowers_to_the_expected_graph(string name) => await VectorCase.RunAsync("lower", name, "graph.txt", async c =>
        GraphText.Result(await FakeHost.LowerAsync(PathText.Decode(c.Bytes("Dockerfile")), c.Options(), VectorHost())));

    [Theory, MemberData(nameof(Cases), "check")]
    public async Task Reports_the_expected_findings(string name) => await VectorCase.RunAsync("check", name, "warnings.txt", async c =>
        GraphText.Warnings(await DockerfileFrontend.CheckAsync(PathText.Decode(c.Bytes("Dockerfile")), "Dockerfile", c.Options(), new FakeHost(), CancellationToken.None)));

    [Theory, MemberData(nameof(Cases), "outline")]
    public async Task Outlines_a_target(string name) => await VectorCase.RunAsync("outline", name, "outline.txt", async c =>
    {
        DockerfileOutline outline = await DockerfileFrontend.OutlineAsync(c.Text("Dockerfile"), "Dockerfile", c.Options(), new FakeHost(), CancellationToken.None);
        return CallReport.Text(outline) + CallReport.Json(outline) + "\n";
    });

    [Theory, MemberData(nameof(Cases), "targets")]
    public void Lists_targets(string name) => VectorCase.Run("targets", name, "targets.txt", c =>
    {
        DockerfileTargets targets = DockerfileTargets.Parse(c.Text("Dockerfile"), "Dockerfile");
        return CallReport.Text(targets) + CallReport.Json(targets) + "\n";
    });

    [Theory, MemberData(nameof(Cases), "git")]
    public void Reads_git_references(string name) => VectorCase.Run("git", name, "expected", c => Try(() =>
        (GitReference.TryParse(c.Text("reference").TrimEnd('\n')) is { } git
            ? $"remote {git.Remote}\nref {git.Ref}\nsubdir {git.Subdir}\nchecksum {git.Checksum}\nkeep-git-dir {git.KeepGitDir}\nsubmodules {git.Submodules}\n"
                + $"mtime {git.ModificationTime}\nfetch-by-commit {git.FetchByCommit}\nlooks-local {git.LooksLocal}\n"
            : "not git\n")));

    [Theory, MemberData(nameof(Cases), "ignore")]
    public void Matches_ignore_patterns(string name) => VectorCase.Run("ignore", name, "matches", c => Try(() =>
    {
        PatternMatcher matcher = PatternMatcher.Create(PatternMatcher.ReadIgnoreFile(c.Text("patterns")));
        IEnumerable<string> paths = c.Text("paths").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Concat(paths.Select(p => $"{(matcher.MatchesOrParentMatches(p) ? "ignored" : "kept   ")} {p}\n"));
    }));

    private static DockerfileAst Parse(VectorCase c) => DockerfileParser.Parse(c.Bytes("Dockerfile"), "Dockerfile");

    private static string Try(Func<string> action)
    {
        try
        {
            return action();
        }
        catch (KimgException error)
        {
            return GraphText.Error(error);
        }
    }

    private static FakeHost VectorHost()
    {
        var host = new FakeHost();
        ImageConfig config = FakeHost.DefaultConfig;
        host.Images["onbuild:1"] = config with { Config = config.Config! with { OnBuild = ["RUN echo one", "COPY --from=tools /t /t", "ENV A=b"] } };
        host.Images["worker:1"] = config with
        {
            Config = config.Config! with { WorkingDir = "/work", User = "app", Entrypoint = ["/entry"], Cmd = ["run"], Labels = EmptyLabels.Add("from", "base") },
        };
        host.Contexts["named"] = new NamedContext(new Vertex(new LocalSourceOp("named"), [], new VertexMeta("[context named] load")), null);
        host.Contexts["replaced"] = new NamedContext(new Vertex(new LocalSourceOp("replacement"), [], new VertexMeta("[context replaced] load")), config);
        return host;
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<string, string> EmptyLabels =>
        System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty;
}
