using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Progress;

/// <summary>What is known of one vertex while its build runs.</summary>
internal sealed class VertexState(Digest id, string name)
{
    public Digest Id { get; } = id;

    /// <summary>On one line and without control characters: names come from Dockerfiles.</summary>
    public string Name { get; } = OutputSanitizer.OneLine(name);

    /// <summary>The number in "#3", given when it is first shown; 0 before.</summary>
    public int Number { get; set; }

    public DateTimeOffset? Started { get; set; }

    public DateTimeOffset? Completed { get; set; }

    public bool Cached { get; set; }

    public string? Error { get; set; }

    /// <summary>Its error is a warning.</summary>
    public bool Tolerated { get; set; }

    public bool Failed => Error is not null && !Tolerated;

    public bool Canceled => Error == "canceled";

    /// <summary>Downloads and the like, in the order in which they began.</summary>
    public List<VertexProgress> Transfers { get; } = [];

    public LineBuffer Output { get; } = new();

    public TimeSpan Elapsed(DateTimeOffset now) => Started is { } started ? (Completed ?? now) - started : TimeSpan.Zero;

    public void Complete(VertexCompleted completed) =>
        (Completed, Cached, Error, Tolerated) = (completed.At, completed.Cached, completed.Error, completed.Tolerated);

    public void Update(VertexProgress progress)
    {
        int i = Transfers.FindIndex(t => t.Id == progress.Id);
        if (i < 0) Transfers.Add(progress);
        else Transfers[i] = progress;
    }
}
