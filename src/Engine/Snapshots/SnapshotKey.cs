using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>The identity of a chain of layers, bottom to top: a hash of their identities, as a chain ID is of diff IDs. A directory on disk is
/// kept under it, because what a layer's directory must hold (implied parents, hard links) depends on the layers below.</summary>
public readonly record struct SnapshotKey(Digest Digest)
{
    public static SnapshotKey Of(SnapshotKey? parent, Digest layer) =>
        parent is { } below ? new(Digest.Sha256(Encoding.ASCII.GetBytes($"{below.Digest} {layer}"))) : new(layer);

    /// <summary>The keys of every prefix of the chain, bottom first; the last is the chain's own.</summary>
    public static ImmutableArray<SnapshotKey> Chain(IEnumerable<Digest> layers)
    {
        var keys = ImmutableArray.CreateBuilder<SnapshotKey>();
        foreach (Digest layer in layers) keys.Add(Of(keys.Count == 0 ? null : keys[^1], layer));
        return keys.ToImmutable();
    }

    public override string ToString() => Digest.ToString();
}
