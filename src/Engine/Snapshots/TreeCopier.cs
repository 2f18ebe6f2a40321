using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>Copies a tree: contents (shared blocks where the file system can, holes kept) and metadata to the nanosecond. Hard links become files of their
/// own, because overlayfs breaks them when one of the names is written to, and layers must not depend on the driver. With <paramref name="link"/> files
/// are not copied but linked: only for trees that are never written to in place.</summary>
internal sealed class TreeCopier(SafeFileHandle sourceRoot, SafeFileHandle targetRoot, bool link)
{
    private readonly CopiedInodes _copied = new();
    private byte[]? _buffer;

    /// <summary>Fills the target with everything the source has, its root's metadata included.</summary>
    /// <returns>Which copied inode came from which.</returns>
    internal CopiedInodes Copy(CancellationToken cancellationToken)
    {
        CopyDirectory(sourceRoot, targetRoot, ImagePath.Root, cancellationToken);
        return _copied;
    }

    /// <summary>Owner, attributes, mode and time of an open file or directory.</summary>
    internal static void CopyMetadata(SafeFileHandle source, SafeFileHandle target)
    {
        FileStat stat = Trees.Stat(source);
        Trees.ChangeOwner(target, stat.Uid, stat.Gid);
        TreeXattrs.Copy(source, target);
        Trees.ChangeMode(target, stat.Mode);
        Trees.SetModified(target, stat.ModifiedSeconds, stat.ModifiedNanoseconds);
    }

    private void CopyDirectory(SafeFileHandle source, SafeFileHandle target, ImagePath path, CancellationToken cancellationToken)
    {
        TreeDiffer.CheckDepth(path);
        foreach (string name in Trees.List(source))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!Trees.TryStat(source, name, out FileStat stat)) continue;
            if (stat.IsDirectory)
            {
                using SafeFileHandle from = Trees.OpenDirectory(source, name);
                Trees.MakeDirectory(target, name);
                using SafeFileHandle to = Trees.OpenDirectory(target, name);
                CopyDirectory(from, to, path.Append(name), cancellationToken);
            }
            else if (stat.Format != FileStat.Socket && !(link && Trees.MakeLink(source, name, target, name) == 0))
            {
                CopyEntry(source, target, name, stat);
            }
        }

        CopyMetadata(source, target);
    }

    private void CopyEntry(SafeFileHandle source, SafeFileHandle target, string name, FileStat stat)
    {
        if (stat.IsFile)
        {
            CopyFile(source, target, name, stat);
        }
        else
        {
            int error = stat.IsSymlink ? Trees.TryMakeSymlink(Trees.ReadLink(source, name), target, name)
                : Trees.MakeNode(target, name, stat.Format | stat.Mode, stat.RdevMajor, stat.RdevMinor);
            if (error == Errno.EPERM && !stat.IsSymlink) return; // a device, in a user namespace
            if (error != 0) throw new SyscallException("copy", error, name);

            Trees.ChangeOwner(target, name, stat.Uid, stat.Gid);
            if (!stat.IsSymlink) Trees.ChangeMode(target, name, stat.Mode);
            Trees.SetModified(target, name, stat.ModifiedSeconds, stat.ModifiedNanoseconds);
        }

        Remember(target, name, stat);
    }

    private void CopyFile(SafeFileHandle source, SafeFileHandle target, string name, FileStat stat)
    {
        using SafeFileHandle from = Trees.OpenFile(source, name);
        using SafeFileHandle to = Trees.CreateFile(target, name);
        if (stat.Size > 0 && !Trees.TryClone(from, to)) CopyBytes(from, to, stat);
        CopyMetadata(from, to);
    }

    private void CopyBytes(SafeFileHandle from, SafeFileHandle to, FileStat stat)
    {
        bool sparse = stat.Blocks * 512 < stat.Size;
        if (sparse) Trees.Truncate(to, stat.Size);
        for (long at = 0; at < stat.Size;)
        {
            long end = stat.Size;
            if (sparse)
            {
                at = Trees.Seek(from, at, data: true);
                if (at < 0) return;
                end = Math.Min(end, Trees.Seek(from, at, data: false));
            }

            while (at < end)
            {
                long copied = Trees.CopyRange(from, to, at, end - at);
                if (copied < 0) copied = CopyByHand(from, to, at, end - at);
                if (copied == 0) throw new KimgException(ErrorCode.StorageFailed, "a file of a snapshot got shorter while it was copied");
                at += copied;
            }
        }
    }

    private long CopyByHand(SafeFileHandle from, SafeFileHandle to, long offset, long count)
    {
        _buffer ??= new byte[1 << 20];
        int read = Trees.ReadAt(from, _buffer.AsSpan(0, (int)Math.Min(count, _buffer.Length)), offset);
        RandomAccess.Write(to, _buffer.AsSpan(0, read), offset);
        return read;
    }

    private void Remember(SafeFileHandle target, string name, FileStat source)
    {
        if (!link && Trees.TryStat(target, name, out FileStat made)) _copied.Add(made, source);
    }
}
