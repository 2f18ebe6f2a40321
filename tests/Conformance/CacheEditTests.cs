using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;
using Xunit.Abstractions;

namespace Kimg.Conformance;

/// <summary>An empty machine with a cache from a registry, after usual edits: kimg runs no step that BuildKit takes from its own cache.</summary>
public sealed class CacheEditTests(CacheMachine machine, ITestOutputHelper output) : IClassFixture<CacheMachine>
{
    private const string Page = "docs/cache-edits.md", Mark = "<!-- counted -->\n";

    /// <summary>A step is cached, says BuildKit, when one that only copies from it is; it says so still where it then runs the step for another, whose output is in its log.</summary>
    private static readonly (string Project, string Edit, string Step)[] s_shownAsCached =
        [("links", "mode=min: an asset", "[conf 4/4] RUN <<EOF (cat /etc/app.conf >/lines...)")];

    public static TheoryData<string, string> Edits
    {
        get
        {
            TheoryData<string, string> all = [];
            foreach (CacheEdit edit in CacheCase.All.SelectMany(project => project.Edits)) all.Add(edit.Case.Name, edit.Name);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public async Task Runs_no_step_that_BuildKit_does_not_run(string project, string edit)
    {
        CacheEdit built = CacheCase.All.Single(c => c.Name == project).Edits.Single(e => e.Name == edit);
        JsonObject ours = await machine.ResultAsync(built);
        Assert.Equal(Steps(built.Case.Expected["edits"]![edit]!), Steps(ours));
        Assert.Empty(Ran(ours).Except(Theirs(built)));
    }

    /// <summary>A step that should have run and did not is no gain: what comes of it is what a build without any cache gives.</summary>
    [Theory]
    [MemberData(nameof(Edits))]
    public async Task What_is_taken_from_the_cache_is_what_would_be_made(string project, string edit)
    {
        CacheEdit built = CacheCase.All.Single(c => c.Name == project).Edits.Single(e => e.Name == edit);
        JsonObject ours = await machine.ResultAsync(built);
        Assert.Equal(IsCompared(built, ours), ours["files"]?.GetValue<int>() > 0);
        Assert.Empty(ours["differences"] as JsonArray ?? []);
    }

    /// <summary>Those where kimg runs less than BuildKit, and every twentieth.</summary>
    internal static bool IsCompared(CacheEdit edit, JsonObject built) =>
        edit.Index % 20 == 0 || Ran(built).Count() < Theirs(edit).Count();

    [Fact]
    public async Task The_page_on_edits_says_how_many_steps_run()
    {
        StringBuilder page = new();
        string text = await File.ReadAllTextAsync(RepositoryFiles.Path(Page)), head = text[..(text.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)];
        int ours = 0, theirs = 0;
        foreach (CacheCase project in CacheCase.All)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {project.Name}\n\n```dockerfile\n{project.Dockerfile.Replace("${BASE}", "base", StringComparison.Ordinal)}```\n\n");
            page.Append("| edit | steps | BuildKit runs | kimg runs |\n|---|---|---|---|\n");
            foreach (CacheEdit edit in project.Edits)
            {
                JsonObject built = await machine.ResultAsync(edit);
                (int we, int they) = (Ran(built).Count(), Theirs(edit).Count());
                (ours, theirs) = (ours + we, theirs + they);
                page.Append(CultureInfo.InvariantCulture, $"| {edit.Name} | {Steps(built)} | {they} | {we} |\n");
            }
        }

        string all = $"{CacheCase.All.Sum(project => project.Edits.Count)} edits; BuildKit runs {theirs} steps after them, kimg {ours}. BuildKit is {CacheCase.All[0].Expected["by"]}.\n{page}";
        if (Machine.Records) await File.WriteAllTextAsync(RepositoryFiles.Path(Page), head + "\n" + all);
        else Assert.Equal(head + "\n" + all, text);
    }

    [Fact]
    [Trait("Category", "Differential")]
    public async Task Runs_no_step_that_the_BuildKit_of_this_machine_does_not_run()
    {
        List<string> report = [];
        int compared = 0, more = 0;
        Peer? peer = await Peer.FindAsync();
        foreach (CacheCase project in peer is null ? [] : CacheCase.All)
        {
            JsonObject theirs = await machine.AskAsync(project, peer!, _ => true);
            foreach (CacheEdit edit in project.Edits)
            {
                // Its answers vary: what it once ran is not too much.
                string[] only = [.. Ran(await machine.ResultAsync(edit)).Except(Ran(theirs[edit.Name]!)).Except(Theirs(edit))];
                compared++;
                if (only.Length == 0) continue;
                more++;
                report.Add($"{project.Name}: {edit.Name}: only kimg runs {string.Join(", ", only)}");
            }
        }

        int all = CacheCase.All.Sum(project => project.Edits.Count);
        report.Add(peer is null
            ? $"caches: 0 of {all} edits compared: BuildKit not installed, or not running (docker buildx, buildctl)"
            : $"caches: {compared} of {all} edits compared with {peer.Version}: kimg runs more after {more}");
        Directory.CreateDirectory(RepositoryFiles.Path("artifacts/test-results"));
        await File.WriteAllTextAsync(RepositoryFiles.Path("artifacts/test-results/differential-caches.txt"), string.Join('\n', report) + "\n");
        report.ForEach(output.WriteLine);
        Assert.Equal(0, more);
    }

    private static IEnumerable<string> Theirs(CacheEdit edit) =>
    [
        .. Ran(edit.Case.Expected["edits"]![edit.Name]!),
        .. s_shownAsCached.Where(shown => (shown.Project, shown.Edit) == (edit.Case.Name, edit.Name)).Select(shown => shown.Step),
    ];

    private static int Steps(JsonNode built) => built["steps"]!.GetValue<int>();

    private static IEnumerable<string> Ran(JsonNode built) => built["ran"]!.AsArray().Select(name => name!.GetValue<string>());
}
