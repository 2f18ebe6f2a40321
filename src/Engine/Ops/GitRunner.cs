using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>A git repository's files as one layer. A whole commit id says what that is; a branch or tag is asked for in every build, and what depends on it goes
/// by the files.</summary>
/// <param name="open">A checkout as a tree.</param>
internal sealed class GitRunner(GitSourceOp op, GitRepositories repositories, Func<GitCheckout, ContextTree> open) : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap { get; } = new()
    {
        Digest = OpDigest.Of(op),
        Policy = GitRepositories.IsCommit(op.Ref) || (op.FetchByCommit && GitRepositories.IsCommit(op.Checksum)) ? CachePolicy.Recomputed : CachePolicy.ContentOnly,
    };

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        ContextTree tree = open(await repositories.CheckoutAsync(op, cancellationToken));
        SnapshotLayer layer = await new ContextResult(tree).LayerOfAsync(ImagePath.Root, cancellationToken);
        return new Snapshot([layer]);
    }
}
