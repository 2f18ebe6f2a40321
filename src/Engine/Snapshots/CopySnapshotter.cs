using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>One whole tree per chain, for hosts without overlayfs. Unpacking links the files of the tree below (they are never written in place); a step
/// gets a real copy, and afterwards one walk over both trees tells what it changed: only inodes whose change time moved are looked into.</summary>
internal sealed class CopySnapshotter(SnapshotPaths paths) : DirectorySnapshotter(paths)
{
    internal const string DriverName = "native";

    // Of this process' active snapshots. One that is committed elsewhere is compared in full.
    private readonly ConcurrentDictionary<string, CopiedInodes> _copied = new();

    public override string Driver => DriverName;

    public override MountSource View(ImmutableArray<SnapshotKey> chain) =>
        new BindSource(chain.IsEmpty ? EmptyTree() : Paths.TreeOf(chain[^1]), ReadOnly: true);

    public override void Discard(ActiveSnapshot active)
    {
        _copied.TryRemove(active.Id, out _);
        base.Discard(active);
    }

    protected override LayerIndex Unpack(SafeFileHandle root, ImmutableArray<SnapshotKey> chain, Stream tar, CancellationToken cancellationToken)
    {
        if (chain.Length > 1) Copy(chain[^2], root, link: true, cancellationToken);
        using var writer = new TreeWriter(root, overlay: false);
        return writer.Write(tar, cancellationToken);
    }

    protected override MountSource Begin(string id, string directory, ImmutableArray<SnapshotKey> parents)
    {
        using SafeFileHandle root = Trees.OpenRoot(TreeIn(directory));
        if (!parents.IsEmpty) _copied[id] = Copy(parents[^1], root, link: false, CancellationToken.None);
        return new BindSource(TreeIn(directory), ReadOnly: false);
    }

    protected override LayerIndex Diff(ActiveSnapshot active, SafeFileHandle root)
    {
        using SafeFileHandle? below = active.Parents.IsEmpty ? null : Trees.OpenRoot(Paths.TreeOf(active.Parents[^1]));
        var differ = new TreeDiffer(overlay: false, _copied.GetValueOrDefault(active.Id));
        return differ.Diff(root, below is null ? [] : [below], CancellationToken.None);
    }

    private CopiedInodes Copy(SnapshotKey from, SafeFileHandle target, bool link, CancellationToken cancellationToken)
    {
        using SafeFileHandle source = Trees.OpenRoot(Paths.TreeOf(from));
        return new TreeCopier(source, target, link).Copy(cancellationToken);
    }
}
