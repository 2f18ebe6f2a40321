using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>What a step changed, by one definition for every driver (BuildKit's): an entry is in the layer when it is new or differs from the one below in type,
/// mode, owner, device or attributes, or, unless it is a directory, in size, time or content; with it all its parents. A file that was copied up or
/// touched and is the same again is not. What is gone is a whiteout, one for a whole subtree; opaque directories do not occur. Sockets are
/// left out. Names of one inode are hard links to the first that is in the layer.</summary>
/// <param name="overlay">The tree is an overlayfs upper directory: it shows changes only, whiteouts and opaque directories mark deletions. Otherwise the
/// tree is whole and what is missing from it is deleted.</param>
internal sealed class TreeDiffer(bool overlay, CopiedInodes? copied)
{
    private const int MaxDepth = 2048;

    private readonly List<TarEntry> _entries = [];
    private readonly List<(ImagePath Path, SafeFileHandle Handle, bool Emitted)> _parents = [];
    private readonly Dictionary<(ulong Device, ulong Inode), ImagePath> _links = [];

    /// <param name="tree">The tree with the changes.</param>
    /// <param name="below">Top first: the trees of the layers below (overlay), or the one tree it was copied from.</param>
    internal LayerIndex Diff(SafeFileHandle tree, IReadOnlyList<SafeFileHandle> below, CancellationToken cancellationToken)
    {
        Directory(ImagePath.Root, tree, new LowerDirectory(below, overlay, owned: false), !overlay, cancellationToken);
        return new LayerIndex([.. _entries]);
    }

    internal static void CheckDepth(ImagePath path)
    {
        if (path.Value.Length > MaxDepth && path.Parts.Length > MaxDepth)
            throw new KimgException(ErrorCode.StorageFailed, $"directories are nested deeper than {MaxDepth}");
    }

    private void Directory(ImagePath path, SafeFileHandle tree, LowerDirectory below, bool whole, CancellationToken cancellationToken)
    {
        CheckDepth(path);
        cancellationToken.ThrowIfCancellationRequested();
        List<string> names = Trees.List(tree);
        whole |= names.Remove(LowerDirectory.OpaqueMarker);
        int next = 0;
        foreach (string name in whole ? below.Names() : [])
        {
            for (; next < names.Count && PathText.Compare(names[next], name) < 0; next++) Entry(path.Append(names[next]), tree, below, cancellationToken);
            if (next < names.Count && names[next] == name) Entry(path.Append(names[next++]), tree, below, cancellationToken);
            else Emit(Whiteout(path.Append(name)));
        }

        for (; next < names.Count; next++) Entry(path.Append(names[next]), tree, below, cancellationToken);
    }

    private void Entry(ImagePath path, SafeFileHandle tree, LowerDirectory below, CancellationToken cancellationToken)
    {
        string name = path.Name;
        if (!Trees.TryStat(tree, name, out FileStat stat)) return;
        bool known = below.Find(name, out FileStat old, out SafeFileHandle? oldParent);
        if ((overlay && stat.IsWhiteout) || stat.Format == FileStat.Socket)
        {
            if (known && old.Format != FileStat.Socket) Emit(Whiteout(path));
            return;
        }

        if (!stat.IsDirectory)
        {
            if (!known || !IsSame(tree, stat, oldParent!, old, name)) Emit(Describe(path, tree, stat));
            return;
        }

        using SafeFileHandle directory = Trees.OpenDirectory(tree, name);
        using LowerDirectory inner = known && old.IsDirectory ? below.Enter(name) : LowerDirectory.Empty;
        _parents.Add((path, directory, false));
        if (!known || !old.IsDirectory || !IsSameDirectory(directory, stat, inner.Top, old)) EmitParents();
        Directory(path, directory, inner, !overlay || TreeXattrs.IsOpaque(directory), cancellationToken);
        _parents.RemoveAt(_parents.Count - 1);
    }

    private bool IsSame(SafeFileHandle tree, FileStat stat, SafeFileHandle oldTree, FileStat old, string name)
    {
        if (copied is not null && copied.IsUntouched(stat, old)) return true;
        if (!IsSameOwner(stat, old) || stat.Size != old.Size) return false;
        if (stat.ModifiedSeconds != old.ModifiedSeconds || stat.ModifiedNanoseconds != old.ModifiedNanoseconds) return false;
        if (stat.IsSymlink) return Trees.ReadLink(tree, name) == Trees.ReadLink(oldTree, name);
        if (!stat.IsFile) return true;
        using SafeFileHandle file = Trees.OpenFile(tree, name), oldFile = Trees.OpenFile(oldTree, name);
        return TreeXattrs.Same(TreeXattrs.Read(file, overlay), TreeXattrs.Read(oldFile, overlay)) && SameContent(file, oldFile);
    }

    private bool IsSameDirectory(SafeFileHandle directory, FileStat stat, SafeFileHandle old, FileStat oldStat) =>
        IsSameOwner(stat, oldStat) && TreeXattrs.Same(TreeXattrs.Read(directory, overlay), TreeXattrs.Read(old, overlay));

    private static bool IsSameOwner(FileStat a, FileStat b) =>
        a.Format == b.Format && a.Mode == b.Mode && a.Uid == b.Uid && a.Gid == b.Gid && a.RdevMajor == b.RdevMajor && a.RdevMinor == b.RdevMinor;

    private static bool SameContent(SafeFileHandle left, SafeFileHandle right)
    {
        const int Size = 128 << 10;
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(2 * Size);
        try
        {
            for (long offset = 0; ; offset += Size)
            {
                Span<byte> a = buffer.AsSpan(0, Size), b = buffer.AsSpan(Size, Size);
                int read = Trees.ReadAt(left, a, offset);
                if (read != Trees.ReadAt(right, b, offset) || !a[..read].SequenceEqual(b[..read])) return false;
                if (read < Size) return true;
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Emit(TarEntry entry)
    {
        EmitParents();
        _entries.Add(entry);
    }

    private void EmitParents()
    {
        int first = _parents.Count;
        while (first > 0 && !_parents[first - 1].Emitted) first--;
        for (int i = first; i < _parents.Count; i++)
        {
            (ImagePath path, SafeFileHandle handle, _) = _parents[i];
            _entries.Add(Metadata(path, EntryType.Directory, Trees.Stat(handle)) with { Xattrs = TreeXattrs.Read(handle, overlay) });
            _parents[i] = (path, handle, true);
        }
    }

    private TarEntry Describe(ImagePath path, SafeFileHandle parent, FileStat stat)
    {
        string name = path.Name;
        EntryType type = stat.Format switch
        {
            FileStat.File => EntryType.File,
            FileStat.Symlink => EntryType.Symlink,
            FileStat.Character => EntryType.CharDevice,
            FileStat.Block => EntryType.BlockDevice,
            _ => EntryType.Fifo,
        };
        TarEntry entry = Metadata(path, type, stat);
        if (type == EntryType.File)
        {
            using SafeFileHandle file = Trees.OpenFile(parent, name);
            entry = entry with { Size = stat.Size, Xattrs = TreeXattrs.Read(file, overlay) };
        }
        else if (type == EntryType.Symlink)
        {
            entry = entry with { LinkTarget = Trees.ReadLink(parent, name) };
        }
        else if (type != EntryType.Fifo)
        {
            entry = entry with { DeviceMajor = stat.RdevMajor, DeviceMinor = stat.RdevMinor };
        }

        if (stat.LinkCount == 1 || _links.TryAdd((stat.Device, stat.Inode), path)) return entry;
        return entry with { Type = EntryType.HardLink, LinkTarget = _links[(stat.Device, stat.Inode)].Value, Size = 0, DeviceMajor = 0, DeviceMinor = 0 };
    }

    private static TarEntry Metadata(ImagePath path, EntryType type, FileStat stat) => new()
    {
        Path = path, Type = type, Mode = stat.Mode, Uid = stat.Uid, Gid = stat.Gid, ModifiedSeconds = stat.ModifiedSeconds,
    };

    private static TarEntry Whiteout(ImagePath path) => new() { Path = path, Type = EntryType.Whiteout };
}
