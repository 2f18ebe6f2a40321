using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kimg.Cli.Progress;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Progress;

/// <summary>Recorded builds as each view shows them.</summary>
public sealed class ProgressViewTests
{
    private const string Data = "tests/Cli.Tests/testdata/progress/";

    [Theory]
    [InlineData(false, "failing.plain.txt")]
    [InlineData(true, "failing.plain-colours.txt")]
    public void Plain(bool colours, string golden)
    {
        var text = new StringBuilder();
        Play(new PlainProgress(t => text.Append(t), colours));
        Golden.Matches(Data + golden, text.ToString());
    }

    [Fact]
    public void Plain_loses_no_line_of_any_step()
    {
        var text = new StringBuilder();
        Play(new PlainProgress(t => text.Append(t), colours: false));
        foreach (string line in new[] { "left 1", "left 2", "right 1", "10%", "50%", "100%", "left after its turn", "wide 日本 and é", "no end of line" })
            Assert.Contains(text.ToString().Split('\n'), l => l.StartsWith('#') && l.EndsWith(line, StringComparison.Ordinal));
    }

    [Fact]
    public void Rawjson()
    {
        using var bytes = new MemoryStream();
        Play(new RawJsonProgress(b => bytes.Write(b)));
        Golden.Matches(Data + "failing.rawjson", Encoding.UTF8.GetString(bytes.ToArray()));
    }

    [Fact]
    public void Rawjson_has_the_fields_of_SolveStatus()
    {
        using var bytes = new MemoryStream();
        Play(new RawJsonProgress(b => bytes.Write(b)));
        var seen = new HashSet<string>();
        foreach (string line in Encoding.UTF8.GetString(bytes.ToArray()).TrimEnd('\n').Split('\n'))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonProperty list = Assert.Single(document.RootElement.EnumerateObject());
            foreach (JsonProperty property in Assert.Single(list.Value.EnumerateArray()).EnumerateObject()) seen.Add($"{list.Name}.{property.Name}");
        }

        Assert.Equal(
            """
            logs.data logs.stream logs.timestamp logs.vertex
            statuses.completed statuses.current statuses.id statuses.started statuses.timestamp statuses.total statuses.vertex
            vertexes.cached vertexes.completed vertexes.digest vertexes.error vertexes.inputs vertexes.name vertexes.started
            warnings.detail warnings.level warnings.range warnings.short warnings.sourceInfo warnings.url warnings.vertex
            """.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries),
            seen.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(80, 24, false, "failing.tty.txt")]
    [InlineData(80, 24, true, "failing.tty-colours.txt")]
    [InlineData(40, 8, false, "failing.tty-small.txt")]
    public void Tty(int width, int height, bool colours, string golden)
    {
        var text = new StringBuilder();
        Play(new TtyProgress(t => text.Append(t), () => (width, height), colours), tick: true);
        Golden.Matches(Data + golden, text.Replace("\u001b", "␛").ToString());
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(20, 5)]
    [InlineData(133, 50)]
    public void The_screen_never_scrolls_and_no_line_wraps_while_a_build_runs(int width, int height)
    {
        var screen = new Screen(width, height);
        var view = new TtyProgress(screen.Write, () => (width, height), colours: true);
        foreach (BuildEvent e in Recording.Failing().Events.Where(e => e is not BuildNotice))
        {
            view.OnEvent(e);
            view.Tick(e.At);
            Assert.False(screen.Wrapped, "wrapped");
            Assert.False(screen.Scrolled, "scrolled");
        }

        Assert.False(screen.CursorVisible);
        view.Finish(Recording.At(13.3));
        Assert.True(screen.CursorVisible);
        Assert.Contains("[+] Building 13.3s", screen.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public void The_screen_shows_the_last_state_once()
    {
        var screen = new Screen(100, 40);
        var view = new TtyProgress(screen.Write, () => (100, 40), colours: false);
        Play(view, tick: true);
        string[] lines = screen.Everything.Split('\n');
        Assert.Single(lines, l => l.StartsWith("[+] Building 13.3s (5/6) FAILED", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith(" => CACHED [base 2/2] RUN make deps", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith(" => => sha256:0123456789ab 45.00MB / 45.00MB", StringComparison.Ordinal));
        Assert.Single(lines, l => l.StartsWith(" > [right 1/1] RUN make right:", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_window_made_narrower_has_wrapped_is_drawn_over()
    {
        (int Width, int Height) size = (100, 40);
        var screen = new Screen(100, 40);
        var view = new TtyProgress(screen.Write, () => size, colours: false);
        view.OnEvent(Recording.Failing().Events[0]);
        view.OnEvent(Recording.Failing().Events[1]);
        view.Tick(Recording.At(0.1));
        size = (50, 40);
        screen.Resize(50);
        view.OnEvent(Recording.Failing().Events[4]);
        view.Tick(Recording.At(0.5));
        Assert.Single(screen.Everything.Split('\n'), l => l.StartsWith("[+] Building", StringComparison.Ordinal));
    }

    /// <summary>A cache that is not there yet, and one that cannot be written.</summary>
    [Fact]
    public void What_a_build_can_do_without_is_one_warning_and_no_failure()
    {
        const string Import = "importing cache manifest from r.example.com/app:cache", Missing = "there is no cache 'r.example.com/app:cache' yet";
        ImmutableArray<BuildEvent> events = new Recording().Add(0, Import).Begin(0, Import).End(0.5, Import, error: Missing, tolerated: true).Events;
        (StringBuilder plain, StringBuilder tty) = (new StringBuilder(), new StringBuilder());
        using var raw = new MemoryStream();
        ProgressView[] views =
        [
            new PlainProgress(t => plain.Append(t), colours: false), new TtyProgress(t => tty.Append(t), () => (100, 24), colours: false),
            new RawJsonProgress(b => raw.Write(b)),
        ];
        foreach (ProgressView view in views)
        {
            foreach (BuildEvent e in events) view.OnEvent(e);
            view.Finish(Recording.At(1));
        }

        Assert.Equal($"#1 {Import}\n#1 WARN: {Missing}\n", plain.ToString());
        Assert.Contains($"WARN: {Missing}", tty.ToString(), StringComparison.Ordinal);
        Assert.Contains(" FINISHED", tty.ToString(), StringComparison.Ordinal);
        Assert.Contains($" => WARN {Import}", tty.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("------", tty.ToString(), StringComparison.Ordinal);
        Assert.Contains($"\"error\":\"{Missing}\"", Encoding.UTF8.GetString(raw.ToArray()), StringComparison.Ordinal);
    }

    private static void Play(ProgressView view, bool tick = false)
    {
        foreach (BuildEvent e in Recording.Failing().Events)
        {
            view.OnEvent(e);
            if (tick) view.Tick(e.At);
        }

        view.Finish(Recording.At(13.3));
    }
}
