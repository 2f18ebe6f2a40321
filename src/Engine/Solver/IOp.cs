using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>A vertex's operation, as the solver sees it.</summary>
public interface IOp<TResult>
{
    /// <summary>What decides whether two executions give the same result. Cheap; called once.</summary>
    Task<CacheMap<TResult>> GetCacheMapAsync(CancellationToken cancellationToken);

    Task<TResult> ExecuteAsync(ImmutableArray<TResult> inputs, CancellationToken cancellationToken);
}

/// <summary>The operation's own digest and how each input enters the key.</summary>
public sealed record CacheMap<TResult>
{
    public required Digest Digest { get; init; }

    /// <summary>One per input.</summary>
    public ImmutableArray<CacheDependency<TResult>> Inputs { get; init; } = [];

    /// <summary>False: always executed, never recorded (opening a local context).</summary>
    public bool Cacheable { get; init; } = true;

    /// <summary>Further digests under which the same result is known (an image's chain ID beside its manifest digest).</summary>
    public ImmutableArray<Digest> Aliases { get; init; } = [];
}

/// <summary>How an input enters the key: by its own keys, and, where <see cref="ContentDigest"/> is given, instead by the content selected.</summary>
public sealed record CacheDependency<TResult>
{
    /// <summary>Digest of exactly what the operation uses of the input's result; null: only the input's own keys count.</summary>
    public Func<TResult, CancellationToken, Task<Digest>>? ContentDigest { get; init; }
}
