using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>Unpacks a normalised layer tar into a directory. Every path is walked from the root by descriptors and no symlink is followed, so nothing in a
/// tar can reach outside. Deletions are carried out (<paramref name="overlay"/> false: the tree holds the layers below) or recorded as overlayfs
/// does (true: the tree is this layer's alone). Directories get their metadata at the end, so that what is put into them changes nothing.</summary>
internal sealed class TreeWriter(SafeFileHandle root, bool overlay) : IDisposable
{
    private readonly DirectoryStack _parents = new(root);
    private readonly DirectoryStack _targets = new(root);
    private readonly Dictionary<ImagePath, TarEntry?> _directories = [];
    private readonly HashSet<ImagePath> _written = [];
    private readonly LayerIndexer _indexer = new();
    private readonly byte[] _buffer = new byte[256 << 10];

    /// <summary>The tar had the root's own mode and owner.</summary>
    internal bool WroteRoot => _directories.ContainsKey(ImagePath.Root);

    /// <exception cref="KimgException">UnsafeArchive; also when the tar ends before its end, which is how its writer gives up.</exception>
    internal LayerIndex Write(Stream tar, CancellationToken cancellationToken)
    {
        var reader = new TarReader(tar);
        while (reader.ReadNext() is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.Type == EntryType.Whiteout) Delete(_indexer.Add(entry, null));
            else Write(_indexer.Add(entry, null), reader.Content);
        }

        if (!reader.SawEnd) throw new KimgException(ErrorCode.UnsafeArchive, "a layer ends before its end");
        FinishDirectories();
        return _indexer.Finish();
    }

    public void Dispose()
    {
        _parents.Dispose();
        _targets.Dispose();
    }

    private void Write(TarEntry entry, Stream content)
    {
        if (entry.Path.IsRoot)
        {
            _directories[entry.Path] = entry;
            return;
        }

        SafeFileHandle parent = _parents.Enter(entry.Path.Parent, MakeImplied)!;
        string name = entry.Path.Name;
        if (!overlay) _written.Add(entry.Path);
        if (entry.Type == EntryType.Directory)
        {
            WriteDirectory(parent, name, entry);
            return;
        }

        for (int attempt = 0; ; attempt++)
        {
            int error = entry.Type switch
            {
                EntryType.File => WriteFile(parent, name, entry, content),
                EntryType.Symlink => Trees.TryMakeSymlink(entry.LinkTarget!, parent, name),
                EntryType.HardLink => WriteLink(parent, name, entry),
                _ => WriteNode(parent, name, entry),
            };
            if (error == 0) break;
            if (error == Errno.EEXIST && attempt == 0) Clear(parent, name, entry.Path);
            else throw new SyscallException("unpack", error, entry.Path.Value);
        }

        if (entry.Type == EntryType.Symlink)
        {
            Trees.ChangeOwner(parent, name, entry.Uid, entry.Gid);
            Trees.SetModified(parent, name, entry.ModifiedSeconds, 0);
        }
    }

    private int WriteFile(SafeFileHandle parent, string name, TarEntry entry, Stream content)
    {
        SafeFileHandle? created = Trees.TryCreateFile(parent, name);
        if (created is null) return Errno.EEXIST;
        using SafeFileHandle file = created;
        int read;
        while ((read = content.Read(_buffer)) > 0) Trees.Write(file, _buffer.AsSpan(0, read));
        SetMetadata(file, entry);
        return 0;
    }

    private int WriteLink(SafeFileHandle parent, string name, TarEntry entry)
    {
        var target = ImagePath.Trusted(entry.LinkTarget!);
        int error = _targets.Enter(target.Parent) is { } from ? Trees.MakeLink(from, target.Name, parent, name) : Errno.ENOENT;
        return error is not (Errno.ENOENT or Errno.EPERM) ? error
            : throw new KimgException(ErrorCode.UnsafeArchive, $"a layer holds '{entry.Path}', a hard link to '{target}', which is not a file of it");
    }

    private static int WriteNode(SafeFileHandle parent, string name, TarEntry entry)
    {
        int format = entry.Type switch
        {
            EntryType.CharDevice => FileStat.Character,
            EntryType.BlockDevice => FileStat.Block,
            _ => FileStat.Fifo,
        };
        // 0:0 is no device but overlayfs' whiteout.
        if (format == FileStat.Character && entry.DeviceMajor == 0 && entry.DeviceMinor == 0) return 0;
        int error = Trees.MakeNode(parent, name, format | entry.Mode, entry.DeviceMajor, entry.DeviceMinor);
        // Devices cannot be made in a user namespace; runtimes put their own into /dev.
        if (error == Errno.EPERM && format != FileStat.Fifo) return 0;
        if (error != 0) return error;
        Trees.ChangeOwner(parent, name, entry.Uid, entry.Gid);
        Trees.ChangeMode(parent, name, entry.Mode);
        Trees.SetModified(parent, name, entry.ModifiedSeconds, 0);
        return 0;
    }

    private void WriteDirectory(SafeFileHandle parent, string name, TarEntry entry)
    {
        if (!Trees.TryMakeDirectory(parent, name) && !(Trees.TryStat(parent, name, out FileStat stat) && stat.IsDirectory))
        {
            Clear(parent, name, entry.Path);
            Trees.MakeDirectory(parent, name);
        }

        _directories[entry.Path] = entry;
        if (entry.Opaque) MakeOpaque(entry.Path);
    }

    private void Delete(TarEntry entry)
    {
        if (entry.Opaque)
        {
            MakeOpaque(entry.Path);
            return;
        }

        if (_parents.Enter(entry.Path.Parent, overlay ? MakeImplied : null) is not { } parent) return;
        string name = entry.Path.Name;
        if (!overlay)
        {
            if (!_written.Contains(entry.Path)) Clear(parent, name, entry.Path);
            return;
        }

        // What the tar itself put there hides the layers below already.
        if (Trees.MakeNode(parent, name, FileStat.Character, 0, 0) is not (0 or Errno.EEXIST) and var error)
            throw new SyscallException("mknodat", error, entry.Path.Value);
    }

    private void MakeOpaque(ImagePath path)
    {
        SafeFileHandle directory = _parents.Enter(path, MakeImplied)!;
        if (overlay) TreeXattrs.MakeOpaque(directory);
        else RemoveUnwritten(directory, path);
    }

    private void RemoveUnwritten(SafeFileHandle directory, ImagePath path)
    {
        foreach (string name in Trees.List(directory))
        {
            ImagePath child = path.Append(name);
            if (!_written.Contains(child)) Clear(directory, name, child);
            else if (Trees.TryOpenDirectory(directory, name) is { } inner)
            {
                using (inner) RemoveUnwritten(inner, child);
            }
        }
    }

    private void Clear(SafeFileHandle parent, string name, ImagePath path)
    {
        // The parent's own handle stays: only what is below the path is left.
        _parents.Leave(path);
        _targets.Leave(path);
        TreeRemover.Remove(parent, name);
    }

    // Mode and owner come with the directory's own entry, later, or stay 0755 root.
    private void MakeImplied(SafeFileHandle parent, ImagePath path)
    {
        if (!Trees.TryMakeDirectory(parent, path.Name))
        {
            TreeRemover.Remove(parent, path.Name);
            Trees.MakeDirectory(parent, path.Name);
        }

        if (!overlay) _written.Add(path);
        _directories.TryAdd(path, null);
    }

    private void FinishDirectories()
    {
        ImagePath[] paths = [.. _directories.Keys];
        Array.Sort(paths, static (a, b) => b.CompareTo(a));
        foreach (ImagePath path in paths)
        {
            if (_parents.Enter(path) is not { } directory) continue;
            if (!overlay) TreeXattrs.Clear(directory);
            SetMetadata(directory, _directories[path] ?? new TarEntry { Path = path, Type = EntryType.Directory, Mode = 0x1ED });
        }
    }

    // In this order: chown drops setuid bits and capabilities.
    private void SetMetadata(SafeFileHandle file, TarEntry entry)
    {
        Trees.ChangeOwner(file, entry.Uid, entry.Gid);
        TreeXattrs.Write(file, entry.Xattrs, overlay);
        Trees.ChangeMode(file, entry.Mode);
        Trees.SetModified(file, entry.ModifiedSeconds, 0);
    }
}
