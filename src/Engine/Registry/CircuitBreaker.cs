using System.Collections.Concurrent;

namespace Kimg.Engine.Registry;

/// <summary>Per host: after several failures in a row requests fail at once for a while, then one is let through to try. Keeps many parallel
/// transfers from each waiting out their own retries against a dead registry.</summary>
internal sealed class CircuitBreaker(TimeProvider time)
{
    internal const int Threshold = 10;
    internal static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, State> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>False while the circuit is open; when its time is over, true for one caller.</summary>
    public bool TryEnter(string host)
    {
        if (!_hosts.TryGetValue(host, out State? state)) return true;
        lock (state)
        {
            if (state.Failures < Threshold) return true;
            DateTimeOffset now = time.GetUtcNow();
            if (now < state.OpenUntil) return false;
            state.OpenUntil = now + OpenFor;
            return true;
        }
    }

    public void Succeeded(string host)
    {
        if (!_hosts.TryGetValue(host, out State? state)) return;
        lock (state) state.Failures = 0;
    }

    public void Failed(string host)
    {
        State state = _hosts.GetOrAdd(host, static _ => new State());
        lock (state)
        {
            if (++state.Failures >= Threshold) state.OpenUntil = time.GetUtcNow() + OpenFor;
        }
    }

    private sealed class State
    {
        public int Failures { get; set; }

        public DateTimeOffset OpenUntil { get; set; }
    }
}
