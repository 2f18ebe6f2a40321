using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Ops;

internal sealed class ScratchRunner : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap { get; } = new() { Digest = OpDigest.Of(new ScratchOp()), Policy = CachePolicy.Recomputed };

    public Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken) =>
        Task.FromResult<OpResult>(Snapshot.Scratch);
}
