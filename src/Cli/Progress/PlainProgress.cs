using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Progress;

/// <summary>Lines for logs, in BuildKit's form: <c>#3 [stage 2/4] RUN …</c>, <c>#3 0.123 text</c>, <c>#3 DONE 0.4s</c>. Steps that run at the same
/// time take turns, so that a log is not shredded: another step's lines wait until the current one is silent, done or has had its time.</summary>
internal sealed class PlainProgress(Action<string> write, bool colours, Action? beforeSummary = null) : ProgressView
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_turn = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_transferInterval = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Digest, Log> _logs = [];
    private readonly List<Log> _waiting = [];
    private Log? _current;
    private DateTimeOffset _turnBegan, _lastLine;
    private int _numbers;

    public override void OnEvent(BuildEvent e)
    {
        switch (e)
        {
            case VertexAdded added:
                if (!_logs.ContainsKey(added.Vertex)) _logs.Add(added.Vertex, new Log(new VertexState(added.Vertex, added.Name)));
                break;
            case VertexStarted started when Find(started.Vertex) is { } log:
                log.State.Started ??= e.At;
                Say(log, e.At);
                break;
            case VertexProgress progress when Find(progress.Vertex) is { } log:
                Transfer(log, progress);
                break;
            case VertexOutput output when Find(output.Vertex) is { } log:
                TimeSpan at = log.State.Elapsed(e.At);
                foreach (string line in log.State.Output.Append(output.Data.Span, at)) Say(log, e.At, OutputLine(at, line));
                break;
            case VertexWarning warning when Find(warning.Vertex) is { } log:
                Say(log, e.At, $"WARN: {OutputSanitizer.OneLine(WarningList.OneLine(warning.Warning))}");
                break;
            case VertexCompleted completed when Find(completed.Vertex) is { } log:
                Complete(log, completed);
                break;
            case BuildNotice notice:
                write($"#0 {OutputSanitizer.OneLine(notice.Message)}\n");
                break;
        }

        Tick(e.At);
    }

    public override void Tick(DateTimeOffset now)
    {
        if (_waiting.Count == 0 || _current is null) return;
        if (now - _lastLine >= s_silence || now - _turnBegan >= s_turn) Show(_waiting[0], now);
    }

    public override void Finish(DateTimeOffset now)
    {
        while (_waiting.Count > 0) Show(_waiting[0], now);
        beforeSummary?.Invoke();
        string summary = FailureSummary.Render(_logs.Values.Select(l => l.State), colours);
        if (summary.Length > 0) write(summary);
    }

    private Log? Find(Digest vertex) => _logs.GetValueOrDefault(vertex);

    private string OutputLine(TimeSpan at, string line) => $"{Format.Milliseconds(at)} {OutputSanitizer.Line(line, colours)}";

    private void Transfer(Log log, VertexProgress progress)
    {
        bool due = !log.Shown.TryGetValue(progress.Id, out DateTimeOffset shown) || progress.At - shown >= s_transferInterval;
        if (progress.Completed is null && (!due || progress.Current == 0)) return;
        log.Shown[progress.Id] = progress.At;
        string end = progress.Completed is null ? "" : " done";
        Say(log, progress.At, $"{Format.Transfer(progress)} {Format.Elapsed(progress, progress.At)}{end}");
    }

    private void Complete(Log log, VertexCompleted completed)
    {
        VertexState state = log.State;
        state.Started ??= completed.At;
        state.Complete(completed);
        TimeSpan elapsed = state.Elapsed(completed.At);
        if (state.Output.Flush(elapsed) is { } rest) Say(log, completed.At, OutputLine(elapsed, rest));
        Say(log, completed.At, state switch
        {
            { Canceled: true } => "CANCELED",
            { Tolerated: true, Error: { } error } => "WARN: " + OutputSanitizer.OneLine(error),
            { Error: { } error } => "ERROR: " + OutputSanitizer.OneLine(error),
            { Cached: true } => "CACHED",
            _ => $"DONE {Format.Seconds(elapsed)}",
        });
        log.Done = true;
        if (_current != log) return;
        _current = null;
        if (_waiting.Count > 0) Show(_waiting[0], completed.At);
    }

    private void Say(Log log, DateTimeOffset at, string? line = null)
    {
        if (line is not null) log.Pending.Add(line);
        if (_current is null || _current == log) Show(log, at);
        else if (!_waiting.Contains(log)) _waiting.Add(log);
    }

    private void Show(Log log, DateTimeOffset at)
    {
        _waiting.Remove(log);
        var text = new StringBuilder();
        if (_current != log)
        {
            if (_current is { Done: false } left)
            {
                text.Append(System.Globalization.CultureInfo.InvariantCulture, $"#{left.State.Number} ...\n");
            }

            if (_numbers > 0) text.Append('\n');
            if (log.State.Number == 0) log.State.Number = ++_numbers;
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"#{log.State.Number} {log.State.Name}\n");
            (_current, _turnBegan) = (log, at);
        }

        foreach (string line in log.Pending) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"#{log.State.Number} {line}\n");
        log.Pending.Clear();
        _lastLine = at;
        write(text.ToString());
        if (log.Done) _current = null;
        if (_current is null && _waiting.Count > 0) Show(_waiting[0], at);
    }

    private sealed class Log(VertexState state)
    {
        public VertexState State { get; } = state;

        public List<string> Pending { get; } = [];

        public Dictionary<string, DateTimeOffset> Shown { get; } = [];

        public bool Done { get; set; }
    }
}
