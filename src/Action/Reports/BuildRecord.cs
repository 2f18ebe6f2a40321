using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Reports;

/// <summary>What a build did, noted from its events for reports.</summary>
internal sealed class BuildRecord : IBuildObserver
{
    private readonly Dictionary<Digest, RecordedStep> _byVertex = [];

    /// <summary>Those that ran or were found in a cache, in the order in which they began.</summary>
    public List<RecordedStep> Steps { get; } = [];

    public List<LintWarning> Warnings { get; } = [];

    public void OnEvent(BuildEvent e)
    {
        switch (e)
        {
            case VertexAdded added:
                _byVertex.TryAdd(added.Vertex, new RecordedStep(added.Name));
                break;
            case VertexStarted started when _byVertex.TryGetValue(started.Vertex, out RecordedStep? step):
                Begin(step, started.At);
                break;
            case VertexCompleted completed when _byVertex.TryGetValue(completed.Vertex, out RecordedStep? step):
                Begin(step, completed.At);
                (step.Ended, step.Cached, step.Error) = (completed.At, completed.Cached, completed.Tolerated ? null : completed.Error);
                break;
            case VertexWarning warning:
                Warnings.Add(warning.Warning);
                break;
        }
    }

    private void Begin(RecordedStep step, DateTimeOffset at)
    {
        if (step.Began is not null) return;
        step.Began = at;
        Steps.Add(step);
    }
}

internal sealed class RecordedStep(string name)
{
    public string Name { get; } = name;

    public DateTimeOffset? Began { get; set; }

    public DateTimeOffset? Ended { get; set; }

    public bool Cached { get; set; }

    public string? Error { get; set; }

    public TimeSpan Time => Began is { } began && Ended is { } ended ? ended - began : TimeSpan.Zero;
}
