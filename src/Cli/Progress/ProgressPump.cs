using Kimg.Engine.Build;

namespace Kimg.Cli.Progress;

/// <summary>Passes events and the passing of time to a view, one at a time.</summary>
internal sealed class ProgressPump : IBuildObserver, IDisposable
{
    private readonly Lock _lock = new();
    private readonly ProgressView _view;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private bool _finished;

    public ProgressPump(ProgressView view, TimeProvider time)
    {
        (_view, _time) = (view, time);
        TimeSpan period = TimeSpan.FromMilliseconds(100);
        _timer = time.CreateTimer(_ => Tick(), null, view is NoProgress or RawJsonProgress ? Timeout.InfiniteTimeSpan : period, period);
    }

    public void OnEvent(BuildEvent e)
    {
        lock (_lock)
        {
            if (!_finished) _view.OnEvent(e);
        }
    }

    /// <summary>Idempotent; nothing is shown afterwards.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            if (_finished) return;
            _finished = true;
            _view.Finish(_time.GetUtcNow());
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (!_finished) _view.Tick(_time.GetUtcNow());
        }
    }
}
