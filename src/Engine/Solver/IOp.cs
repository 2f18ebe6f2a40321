using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>A vertex's operation, as the solver sees it.</summary>
internal interface IOp<TResult>
    where TResult : class, ISolverResult
{
    /// <summary>What decides whether two executions give the same result. Cheap; called once.</summary>
    CacheMap<TResult> CacheMap { get; }

    Task<TResult> ExecuteAsync(ImmutableArray<TResult> inputs, CancellationToken cancellationToken);
}

/// <summary>What the solver knows of a result: a name for it. Equal ids mean equal results.</summary>
internal interface ISolverResult
{
    Digest Id { get; }
}

/// <summary>The operation's own digest and how each input enters the key.</summary>
internal sealed record CacheMap<TResult>
{
    public required Digest Digest { get; init; }

    /// <summary>The operation without what the content digests of its inputs say already (where in an input the files are); null: as <see cref="Digest"/>.</summary>
    public Digest? ByContent { get; init; }

    /// <summary>One per input: digest of exactly what the operation uses of that input's result, or null where only the input's identity counts.</summary>
    public ImmutableArray<ContentDigest<TResult>?> Inputs { get; init; } = [];

    public CachePolicy Policy { get; init; } = CachePolicy.Recorded;
}

internal enum CachePolicy
{
    /// <summary>Looked up and recorded.</summary>
    Recorded,

    /// <summary>Cheap: executed whenever it is needed, never looked up. Its definition still says what it gives.</summary>
    Recomputed,

    /// <summary>Cheap, and its definition says nothing about its result (a local context): what depends on it goes by content.</summary>
    ContentOnly,
}

internal delegate Task<Digest> ContentDigest<in TResult>(TResult result, CancellationToken cancellationToken);
