using System.Collections.Immutable;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>One directory per layer, put together by overlayfs (mounted with <c>userxattr</c>): what a step changed is its upper directory, and
/// nothing else is looked at but what lies below those entries.</summary>
/// <param name="fuse">Through the fuse-overlayfs program instead of the kernel; the directories are the same.</param>
internal sealed class OverlaySnapshotter(SnapshotPaths paths, bool fuse = false) : DirectorySnapshotter(paths)
{
    internal const string KernelDriver = "overlay", FuseDriver = "fuse-overlayfs";

    public override string Driver => fuse ? FuseDriver : KernelDriver;

    public override MountSource View(ImmutableArray<SnapshotKey> chain) => Visible(chain) switch
    {
        [] => new BindSource(EmptyTree(), ReadOnly: true),
        [var only] => new BindSource(Paths.TreeOf(only), ReadOnly: true),
        var visible => Overlay(visible, null, null),
    };

    protected override LayerIndex Unpack(SafeFileHandle root, ImmutableArray<SnapshotKey> chain, Stream tar, CancellationToken cancellationToken)
    {
        using var writer = new TreeWriter(root, overlay: true);
        LayerIndex index = writer.Write(tar, cancellationToken);
        // Only now: what is below may be unpacked at the same time, and is there when the tar has ended.
        if (chain.Length > 1 && !writer.WroteRoot) CopyRootMetadata(chain[^2], root);
        return index;
    }

    protected override MountSource Begin(string id, string directory, ImmutableArray<SnapshotKey> parents)
    {
        // Overlayfs wants a lower directory; without one there is nothing to lay over.
        if (parents.IsEmpty) return new BindSource(TreeIn(directory), ReadOnly: false);
        string work = Path.Combine(directory, "work");
        Directory.CreateDirectory(work);
        using SafeFileHandle root = Trees.OpenRoot(TreeIn(directory));
        CopyRootMetadata(parents[^1], root);
        return Overlay(Visible(parents), TreeIn(directory), work);
    }

    protected override LayerIndex Diff(ActiveSnapshot active, SafeFileHandle root)
    {
        var below = new List<SafeFileHandle>();
        try
        {
            for (int i = active.Parents.Length - 1; i >= 0; i--) below.Add(Trees.OpenRoot(Paths.TreeOf(active.Parents[i])));
            return new TreeDiffer(overlay: true, copied: null).Diff(root, below, CancellationToken.None);
        }
        finally
        {
            below.ForEach(layer => layer.Dispose());
        }
    }

    // Overlayfs merges the layers' roots whatever they say: what is below an opaque one has to be left out here.
    private ImmutableArray<SnapshotKey> Visible(ImmutableArray<SnapshotKey> chain)
    {
        for (int i = chain.Length - 1; i > 0; i--)
        {
            using SafeFileHandle root = Trees.OpenRoot(Paths.TreeOf(chain[i]));
            if (TreeXattrs.IsOpaque(root)) return chain[i..];
        }

        return chain;
    }

    private MountSource Overlay(ImmutableArray<SnapshotKey> chain, string? upper, string? work)
    {
        ImmutableArray<string> lower = [.. chain.Select(Paths.TreeOf)];
        return fuse ? new FuseOverlaySource(lower, upper, work) : new OverlaySource(lower, upper, work);
    }

    // The merged root has the topmost directory's mode and owner.
    private void CopyRootMetadata(SnapshotKey below, SafeFileHandle root)
    {
        using SafeFileHandle source = Trees.OpenRoot(Paths.TreeOf(below));
        FileStat stat = Trees.Stat(source);
        Trees.ChangeOwner(root, stat.Uid, stat.Gid);
        TreeXattrs.CopyCarried(source, root);
        Trees.ChangeMode(root, stat.Mode);
        Trees.SetModified(root, stat.ModifiedSeconds, stat.ModifiedNanoseconds);
    }
}
