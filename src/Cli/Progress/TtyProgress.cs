using System.Globalization;
using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Progress;

/// <summary>A block at the bottom of the terminal that is drawn again ten times a second: a header, a line per step with its time, transfers below their
/// step, and the last lines of what is running. Whole lines only, so the cursor is always below the block.</summary>
internal sealed class TtyProgress(Action<string> write, Func<(int Width, int Height)> size, bool colours) : ProgressView
{
    private const int TailLines = 6;
    private const string HideCursor = "\u001b[?25l", ShowCursor = "\u001b[?25h", ClearBelow = "\u001b[J", ClearRest = "\u001b[K";

    private readonly Dictionary<Digest, VertexState> _vertices = [];
    private readonly List<VertexState> _shown = [];
    private readonly List<string> _notices = [];
    private readonly List<int> _drawn = [];
    private DateTimeOffset? _began, _lastDraw;
    private bool _cursorHidden, _dirty;

    public override void OnEvent(BuildEvent e)
    {
        _began ??= e.At;
        _dirty = true;
        switch (e)
        {
            case VertexAdded added:
                _vertices.TryAdd(added.Vertex, new VertexState(added.Vertex, added.Name));
                break;
            case VertexStarted started when Find(started.Vertex) is { } vertex:
                Begin(vertex, e.At);
                break;
            case VertexProgress progress when Find(progress.Vertex) is { } vertex:
                Begin(vertex, progress.Started);
                vertex.Update(progress);
                break;
            case VertexOutput output when Find(output.Vertex) is { } vertex:
                vertex.Output.Append(output.Data.Span, vertex.Elapsed(e.At));
                break;
            case VertexCompleted completed when Find(completed.Vertex) is { } vertex:
                Begin(vertex, e.At);
                vertex.Complete(completed);
                if (vertex is { Tolerated: true, Error: { } error }) _notices.Add("WARN: " + OutputSanitizer.OneLine(error));
                vertex.Output.Flush(vertex.Elapsed(e.At));
                break;
            case BuildNotice notice:
                _notices.Add(OutputSanitizer.OneLine(notice.Message));
                break;
        }
    }

    public override void Tick(DateTimeOffset now)
    {
        if (_began is null || (!_dirty && now - _lastDraw < TimeSpan.FromMilliseconds(100))) return;
        Draw(now, final: false);
    }

    public override void Finish(DateTimeOffset now)
    {
        if (_began is not null) Draw(now, final: true);
        string text = FailureSummary.Render(_shown, colours) + (_cursorHidden ? ShowCursor : "");
        if (text.Length > 0) write(text);
    }

    private VertexState? Find(Digest vertex) => _vertices.GetValueOrDefault(vertex);

    private void Begin(VertexState vertex, DateTimeOffset at)
    {
        if (vertex.Started is not null) return;
        vertex.Started = at;
        _shown.Add(vertex);
    }

    private void Draw(DateTimeOffset now, bool final)
    {
        (int width, int height) = size();
        width = Math.Max(width, 20) - 1;
        List<string> lines = Lines(now, width, final ? int.MaxValue : Math.Max(height - 1, 4), final);
        var text = new StringBuilder();
        if (!_cursorHidden && !final)
        {
            text.Append(HideCursor);
            _cursorHidden = true;
        }

        // A window made narrower has wrapped what was drawn for the old width.
        int rows = _drawn.Sum(w => Math.Max(1, (w + width) / (width + 1)));
        if (rows > 0) text.Append(CultureInfo.InvariantCulture, $"\u001b[{rows}A\r");
        foreach (string notice in _notices) text.Append(notice).Append(ClearRest).Append('\n');
        _notices.Clear();
        _drawn.Clear();
        foreach (string line in lines)
        {
            text.Append(line).Append(ClearRest).Append('\n');
            _drawn.Add(width);
        }

        text.Append(ClearBelow);
        (_lastDraw, _dirty) = (now, false);
        write(text.ToString());
    }

    private List<string> Lines(DateTimeOffset now, int width, int height, bool final)
    {
        int done = _shown.Count(v => v.Completed is not null);
        string end = !final ? "" : _shown.Any(v => v.Failed) ? " FAILED" : " FINISHED";
        string header = $"[+] Building {Format.Seconds(now - _began!.Value)} ({done}/{_vertices.Count}){end}";
        List<string> lines = [DisplayWidth.Fit(header, width).TrimEnd()];
        List<List<string>> blocks = [.. _shown.Select(v => Block(v, now, width, final))];
        int room = height - 1;
        // Too many: first the completed go, oldest first, then whatever is above.
        var keep = new bool[blocks.Count];
        int used = 0;
        foreach (int i in Enumerable.Range(0, blocks.Count).OrderBy(i => _shown[i].Completed is null ? 0 : 1).ThenByDescending(i => i))
        {
            if (used + blocks[i].Count > room) continue;
            keep[i] = true;
            used += blocks[i].Count;
        }

        for (int i = 0; i < blocks.Count; i++)
        {
            if (keep[i]) lines.AddRange(blocks[i]);
        }

        return lines;
    }

    private List<string> Block(VertexState vertex, DateTimeOffset now, int width, bool final)
    {
        (string mark, string colour) = vertex switch
        {
            { Canceled: true } => ("CANCELED ", "33"),
            { Tolerated: true } => ("WARN ", "33"),
            { Error: not null } => ("ERROR ", "31"),
            { Cached: true } => ("CACHED ", "34"),
            { Completed: not null } => ("", "34"),
            _ => ("", ""),
        };
        List<string> lines = [Row($" => {mark}{vertex.Name}", Format.Seconds(vertex.Elapsed(now)), width, colour)];
        foreach (VertexProgress transfer in vertex.Transfers)
        {
            if (vertex.Completed is not null && transfer.Completed is null) continue;
            lines.Add(Row($" => => {Format.Transfer(transfer)}", Format.Elapsed(transfer, now), width, transfer.Completed is null ? "" : "34"));
        }

        if (vertex.Completed is not null || final) return lines;
        IEnumerable<string> tail = vertex.Output.Last.Select(l => l.Text);
        if (vertex.Output.Open is { Length: > 0 } open) tail = tail.Append(open);
        foreach (string line in tail.TakeLast(TailLines))
            lines.Add(Paint(DisplayWidth.Fit($" => => # {OutputSanitizer.Line(line, colours: false)}", width).TrimEnd(), "2"));
        return lines;
    }

    private string Row(string left, string time, int width, string colour)
    {
        time = time.PadLeft(7);
        return Paint(DisplayWidth.Fit(left, width - time.Length) + time, colour);
    }

    private string Paint(string text, string colour) => colours && colour.Length > 0 ? $"\u001b[{colour}m{text}\u001b[0m" : text;
}
