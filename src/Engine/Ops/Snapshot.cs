using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>A chain of layers; empty is scratch.</summary>
internal sealed class Snapshot : OpResult
{
    private static readonly Digest s_scratch = Digest.Sha256("scratch");

    private readonly Lock _gate = new();
    private Task<IFileTree>? _tree;

    public Snapshot(ImmutableArray<SnapshotLayer> layers)
    {
        Layers = layers;
        Chain = SnapshotKey.Chain(layers.Select(layer => layer.StorageId));
        Id = layers.IsEmpty ? s_scratch : SnapshotKey.Chain(layers.Select(layer => layer.Id))[^1].Digest;
    }

    public static Snapshot Scratch { get; } = new([]);

    public ImmutableArray<SnapshotLayer> Layers { get; }

    /// <summary>Keys of the directories of all prefixes of the chain, bottom first.</summary>
    public ImmutableArray<SnapshotKey> Chain { get; }

    /// <summary>The chain by the identities of its layers.</summary>
    public override Digest Id { get; }

    public Snapshot Append(SnapshotLayer layer) => new(Layers.Add(layer));

    public override Task<IFileTree> TreeAsync(CancellationToken cancellationToken)
    {
        lock (_gate) return _tree is { IsFaulted: false, IsCanceled: false } ? _tree : _tree = LoadAsync(cancellationToken);
    }

    public override Task<ImmutableArray<SnapshotLayer>> LayersAsync(CancellationToken cancellationToken) => Task.FromResult(Layers);

    private async Task<IFileTree> LoadAsync(CancellationToken cancellationToken) => await MergedTree.LoadAsync(Layers, cancellationToken);
}
