using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>Opens a local context. Its key is its content, so it is never looked up.</summary>
internal sealed class LocalRunner(LocalSourceOp op, Func<LocalSourceOp, ContextTree> open) : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap { get; } = new() { Digest = OpDigest.Of(op), Policy = CachePolicy.ContentOnly };

    public Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken) =>
        Task.FromResult<OpResult>(new ContextResult(open(op)));
}
