using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Ops;

/// <summary>What a vertex gives: a tree of files, and, when someone mounts or exports it, a chain of layers.</summary>
internal abstract class OpResult : ISolverResult
{
    public abstract Digest Id { get; }

    /// <summary>The merged view; made once.</summary>
    public abstract Task<IFileTree> TreeAsync(CancellationToken cancellationToken);

    /// <summary>The layers, bottom first.</summary>
    public abstract Task<ImmutableArray<SnapshotLayer>> LayersAsync(CancellationToken cancellationToken);
}
