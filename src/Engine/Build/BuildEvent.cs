using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>What happens in a build, in order, for every renderer: tty, plain, rawjson, MSBuild, CI annotations. Shaped so that BuildKit's SolveStatus can be
/// written from it.</summary>
public abstract record BuildEvent(DateTimeOffset At);

/// <summary>A vertex is known; it may never start (its stage is cached).</summary>
public sealed record VertexAdded(DateTimeOffset At, Digest Vertex, ImmutableArray<Digest> Inputs, string Name) : BuildEvent(At);

public sealed record VertexStarted(DateTimeOffset At, Digest Vertex) : BuildEvent(At);

/// <param name="Cached">It was found in a cache.</param>
/// <param name="Error">One line; null when it succeeded.</param>
public sealed record VertexCompleted(DateTimeOffset At, Digest Vertex, bool Cached, string? Error) : BuildEvent(At)
{
    /// <summary>The build goes on without it: its error is a warning.</summary>
    public bool Tolerated { get; init; }
}

/// <summary>Part of a vertex: a download, an upload, an unpacking. Repeated with growing <see cref="Current"/>; the last has <see cref="Completed"/>.</summary>
/// <param name="Id">Unique within the vertex, shown ("sha256:abc… 12.3MB / 45MB").</param>
/// <param name="Current">Bytes.</param>
/// <param name="Total">Bytes; 0: unknown.</param>
public sealed record VertexProgress(DateTimeOffset At, Digest Vertex, string Id, string Name, long Current, long Total, DateTimeOffset Started, DateTimeOffset? Completed)
    : BuildEvent(At);

/// <param name="Stream">1: stdout, 2: stderr.</param>
public sealed record VertexOutput(DateTimeOffset At, Digest Vertex, int Stream, ReadOnlyMemory<byte> Data) : BuildEvent(At);

public sealed record VertexWarning(DateTimeOffset At, Digest Vertex, LintWarning Warning) : BuildEvent(At);

/// <summary>Something the user should know that belongs to no vertex.</summary>
public sealed record BuildNotice(DateTimeOffset At, string Message) : BuildEvent(At);

public interface IBuildObserver
{
    /// <summary>Called in order, from one thread at a time; must not block.</summary>
    void OnEvent(BuildEvent e);
}
