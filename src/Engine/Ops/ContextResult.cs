using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>A local context. It has no identity of its own: what uses it is keyed by what it uses.</summary>
internal sealed class ContextResult(ContextTree tree) : OpResult
{
    public override Digest Id { get; } = Digest.Sha256(Guid.NewGuid().ToByteArray());

    public override Task<IFileTree> TreeAsync(CancellationToken cancellationToken) => Task.FromResult<IFileTree>(tree);

    /// <summary>The whole context as one layer.</summary>
    public override async Task<ImmutableArray<SnapshotLayer>> LayersAsync(CancellationToken cancellationToken) =>
        [await LayerOfAsync(ImagePath.Root, cancellationToken)];

    /// <summary>What is at and below a path, as a layer (a bind mount shows no more).</summary>
    public async Task<SnapshotLayer> LayerOfAsync(ImagePath root, CancellationToken cancellationToken)
    {
        List<TarEntry> entries = [.. tree.Walk(tree.Resolve(root)).Where(entry => !entry.Path.IsRoot)];
        List<TarEntry> files = [.. entries.Where(entry => entry.Type is EntryType.File)];
        IReadOnlyList<Digest> contents = await tree.HashAsync(files, cancellationToken);
        Dictionary<ImagePath, Digest> byPath = files.Zip(contents).ToDictionary(pair => pair.First.Path, pair => pair.Second);
        var editor = new TreeEditor(EmptyTree.Instance, createdTime: 0);
        foreach (TarEntry entry in entries)
        {
            editor.Put(byPath.TryGetValue(entry.Path, out Digest content) ? new PlanEntry(entry, new TreeFile(tree, entry, content)) : new PlanEntry(entry));
        }

        return new PlanLayer(await editor.FinishAsync(cancellationToken));
    }
}
