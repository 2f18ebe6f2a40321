using System.Collections.Immutable;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>What the drivers share: directories that appear by rename, with their layer's index beside them, and reading them.</summary>
internal abstract class DirectorySnapshotter(SnapshotPaths paths) : ISnapshotter
{
    public abstract string Driver { get; }

    protected SnapshotPaths Paths => paths;

    public bool Exists(SnapshotKey key) => paths.Exists(key);

    public void Apply(ImmutableArray<SnapshotKey> chain, Stream tar, CancellationToken cancellationToken)
    {
        if (Exists(chain[^1]))
        {
            tar.CopyTo(Stream.Null); // the writer must not find a closed pipe
            return;
        }

        string staging = Stage("tmp-" + NewId());
        try
        {
            using (SafeFileHandle root = Trees.OpenRoot(TreeIn(staging)))
                File.WriteAllBytes(IndexIn(staging), LayerIndexFile.Encode(Unpack(root, chain, tar, cancellationToken)));
            Publish(staging, chain[^1]);
        }
        finally
        {
            TreeRemover.Remove(staging);
        }
    }

    public ActiveSnapshot Prepare(ImmutableArray<SnapshotKey> parents)
    {
        string id = NewId(), directory = Stage(ActiveName(id));
        ActiveSnapshot? active = null;
        try
        {
            return active = new ActiveSnapshot(id, parents, Begin(id, directory, parents));
        }
        finally
        {
            if (active is null) TreeRemover.Remove(directory);
        }
    }

    public abstract MountSource View(ImmutableArray<SnapshotKey> chain);

    public void Commit(ActiveSnapshot active, SnapshotKey key)
    {
        string directory = DirectoryOf(active);
        try
        {
            using (SafeFileHandle root = Trees.OpenRoot(TreeIn(directory))) File.WriteAllBytes(IndexIn(directory), LayerIndexFile.Encode(Diff(active, root)));
            Publish(directory, key);
        }
        finally
        {
            Discard(active);
        }
    }

    public virtual void Discard(ActiveSnapshot active) => TreeRemover.Remove(DirectoryOf(active));

    public LayerIndex Scan(SnapshotKey key) => LayerIndexFile.TryLoad(paths.IndexOf(key)) ?? throw Damaged(key);

    public void WriteTar(SnapshotKey key, Stream output, CancellationToken cancellationToken)
    {
        LayerIndex index = Scan(key);
        using SafeFileHandle root = Trees.OpenRoot(paths.TreeOf(key));
        TreeArchive.Write(index, root, (directories, path) => OpenFile(directories, path, key), output, cancellationToken);
    }

    public SafeFileHandle Open(SnapshotKey key, ImagePath path)
    {
        using SafeFileHandle root = Trees.OpenRoot(paths.TreeOf(key));
        using var directories = new DirectoryStack(root);
        return OpenFile(directories, path, key);
    }

    public void Remove(SnapshotKey key)
    {
        if (!Directory.Exists(paths.DirectoryOf(key))) return;
        // Out of sight first: a half-removed directory must not be taken for a whole one.
        string doomed = Path.Combine(paths.Root, "tmp-" + NewId());
        using (SafeFileHandle root = Trees.OpenRoot(paths.Root)) Trees.Rename(root, key.Digest.Hex, root, Path.GetFileName(doomed));
        TreeRemover.Remove(doomed);
    }

    /// <summary>Unpacks a tar into a new directory.</summary>
    protected abstract LayerIndex Unpack(SafeFileHandle root, ImmutableArray<SnapshotKey> chain, Stream tar, CancellationToken cancellationToken);

    /// <summary>Makes a new active directory ready to be written to.</summary>
    protected abstract MountSource Begin(string id, string directory, ImmutableArray<SnapshotKey> parents);

    /// <summary>What was written.</summary>
    protected abstract LayerIndex Diff(ActiveSnapshot active, SafeFileHandle root);

    protected static string TreeIn(string directory) => Path.Combine(directory, "fs");

    protected string DirectoryOf(ActiveSnapshot active) => Path.Combine(paths.Root, ActiveName(active.Id));

    /// <summary>A directory that is always empty: what an empty chain shows.</summary>
    protected string EmptyTree() => Directory.CreateDirectory(Path.Combine(paths.Root, "empty")).FullName;

    private static string IndexIn(string directory) => Path.Combine(directory, "index");

    private static string ActiveName(string id) => "active-" + id;

    private static string NewId() => Guid.NewGuid().ToString("N");

    private string Stage(string name)
    {
        string directory = Path.Combine(paths.Root, name);
        Directory.CreateDirectory(TreeIn(directory));
        using SafeFileHandle root = Trees.OpenRoot(TreeIn(directory));
        Trees.ChangeMode(root, 0x1ED); // whatever the umask
        return directory;
    }

    // Of two that made the same directory the first wins; the caller removes what is left.
    private void Publish(string directory, SnapshotKey key)
    {
        TreeRemover.Remove(Path.Combine(directory, "work"));
        using SafeFileHandle root = Trees.OpenRoot(paths.Root);
        int error = Trees.TryRename(root, Path.GetFileName(directory), root, key.Digest.Hex);
        if (error is Errno.EEXIST or Errno.ENOTEMPTY && !Exists(key))
        {
            Remove(key); // a damaged one is no winner
            error = Trees.TryRename(root, Path.GetFileName(directory), root, key.Digest.Hex);
        }

        if (error is not (0 or Errno.EEXIST or Errno.ENOTEMPTY)) throw new SyscallException("renameat", error, key.Digest.Hex);
    }

    private SafeFileHandle OpenFile(DirectoryStack directories, ImagePath path, SnapshotKey key)
    {
        if (directories.Enter(path.Parent) is not { } parent || !Trees.TryStat(parent, path.Name, out FileStat found) || !found.IsFile) throw Damaged(key);
        return Trees.OpenFile(parent, path.Name);
    }

    // Removed, so that what asks again finds a miss.
    private KimgException Damaged(SnapshotKey key)
    {
        Remove(key);
        return new KimgException(ErrorCode.StoreCorrupt, $"the directory of snapshot {key} was damaged and is removed") { Hint = "build again" };
    }
}
