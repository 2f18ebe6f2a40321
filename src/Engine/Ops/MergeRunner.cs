using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Ops;

/// <summary>COPY --link: the layers of the later inputs on top of the first, whatever it is.</summary>
internal sealed class MergeRunner(int inputCount) : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap { get; } = new()
    {
        Digest = OpDigest.Of(new MergeOp()),
        Policy = CachePolicy.Recomputed,
        Inputs = [.. Enumerable.Repeat<ContentDigest<OpResult>?>(null, inputCount)],
    };

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        ImmutableArray<SnapshotLayer> layers = [];
        foreach (OpResult input in inputs) layers = layers.AddRange(await input.LayersAsync(cancellationToken));
        return new Snapshot(layers);
    }
}
