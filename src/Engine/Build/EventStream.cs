using System.Collections.Concurrent;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Build;

/// <summary>Turns what happens in a build, on any thread, into one ordered stream of events for the observer; counts what was cached.</summary>
internal sealed class EventStream(IBuildObserver? observer, TimeProvider time) : ISolverObserver
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<Digest, byte> _added = new();
    private int _cached;
    private int _completed;

    public int CachedVertices => _cached;

    public int CompletedVertices => _completed;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Announces a vertex and everything below it, inputs first.</summary>
    public void Announce(Vertex root)
    {
        var pending = new Stack<(Vertex Vertex, bool Expanded)>([(root, false)]);
        while (pending.TryPop(out (Vertex Vertex, bool Expanded) at))
        {
            if (at.Expanded)
            {
                Send(new VertexAdded(Now, at.Vertex.Digest, [.. at.Vertex.Inputs.Select(i => i.Digest)], at.Vertex.Meta.Name));
            }
            else if (_added.TryAdd(at.Vertex.Digest, 0))
            {
                pending.Push((at.Vertex, true));
                for (int i = at.Vertex.Inputs.Length - 1; i >= 0; i--) pending.Push((at.Vertex.Inputs[i], false));
            }
        }
    }

    public void Started(Vertex vertex) => Send(new VertexStarted(Now, vertex.Digest));

    public void Completed(Vertex vertex, bool cached, Exception? error)
    {
        Interlocked.Increment(ref _completed);
        if (cached) Interlocked.Increment(ref _cached);
        if (cached) Started(vertex);
        Send(new VertexCompleted(Now, vertex.Digest, cached, error is null ? null : OneLine(error)));
    }

    /// <summary>A piece of work that is no vertex of the graph but is shown as one ("[internal] load metadata for …").</summary>
    /// <param name="tolerates">The errors, thrown all the same, that whoever asks can do with.</param>
    public async Task<T> RunAsync<T>(string name, Func<WorkItem, Task<T>> work, Func<Exception, bool>? tolerates = null)
    {
        var item = new WorkItem(Digest.Sha256($"{name} {Guid.NewGuid()}"), this);
        Send(new VertexAdded(Now, item.Id, [], name));
        Send(new VertexStarted(Now, item.Id));
        try
        {
            T result = await work(item);
            Send(new VertexCompleted(Now, item.Id, Cached: false, Error: null));
            return result;
        }
        catch (Exception error)
        {
            bool tolerated = tolerates?.Invoke(error) == true;
            string hint = tolerated && error is KimgException { Hint: { } advice } ? $" ({advice})" : "";
            Send(new VertexCompleted(Now, item.Id, Cached: false, OneLine(error) + hint) { Tolerated = tolerated });
            throw;
        }
    }

    public void Send(BuildEvent e)
    {
        if (observer is null) return;
        lock (_gate) observer.OnEvent(e);
    }

    private static string OneLine(Exception error) => error switch
    {
        OperationCanceledException => "canceled",
        KimgException or IOException or UnauthorizedAccessException => error.Message.ReplaceLineEndings(" "),
        _ => "internal error: " + error.Message.ReplaceLineEndings(" "),
    };
}

/// <summary>The progress of one vertex or work item.</summary>
internal sealed class WorkItem(Digest id, EventStream events)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, (DateTimeOffset Started, DateTimeOffset Sent, bool Done)> _parts = new();

    public Digest Id => id;

    /// <summary>A part has come to <paramref name="current"/> of <paramref name="total"/> bytes (0: unknown). Sent at most ten times a second, and once
    /// when it is done.</summary>
    public void Report(string part, long current, long total)
    {
        DateTimeOffset now = events.Now;
        (DateTimeOffset started, DateTimeOffset sent, bool wasDone) = _parts.GetOrAdd(part, (now, DateTimeOffset.MinValue, false));
        if (wasDone) return;
        bool done = total > 0 && current >= total;
        if (!done && now - sent < s_interval) return;
        _parts[part] = (started, now, done);
        events.Send(new VertexProgress(now, id, part, part, current, total, started, done ? now : null));
    }

    /// <summary>A line of its log.</summary>
    public void Say(string line) => Output(1, System.Text.Encoding.UTF8.GetBytes(line + "\n"));

    public void Output(int stream, ReadOnlyMemory<byte> data) => events.Send(new VertexOutput(events.Now, id, stream, data));
}
