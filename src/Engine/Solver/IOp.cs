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

    /// <summary>One per input: digest of exactly what the operation uses of that input's result, or null where only the input's identity counts.</summary>
    public ImmutableArray<ContentDigest<TResult>?> Inputs { get; init; } = [];

    /// <summary>False: the operation is cheap, always executed and never recorded, and its definition says nothing about its result
    /// (opening a local context). What depends on it must use a content digest.</summary>
    public bool Cacheable { get; init; } = true;
}

internal delegate Task<Digest> ContentDigest<in TResult>(TResult result, CancellationToken cancellationToken);
