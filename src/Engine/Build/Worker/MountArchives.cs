using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Cache mounts as tars. Their files belong to the ids of steps, so only the worker can read and make them all.</summary>
internal static class MountArchives
{
    /// <param name="maxSize">Bytes of files.</param>
    /// <exception cref="KimgException">It is larger, or changed while it was read.</exception>
    internal static void Save(string state, string tree, long maxSize, Stream output, CancellationToken cancellationToken)
    {
        Check(state, tree);
        using SafeFileHandle root = Trees.OpenRoot(tree);
        LayerIndex index = TreeArchive.Scan(root, cancellationToken);
        long size = 0;
        foreach (TarEntry entry in index.Entries) size += entry.Type == EntryType.File ? entry.Size : 0;
        if (size > maxSize) throw TooLarge(size, maxSize);
        TreeArchive.Write(index, root, static (directories, path) => Open(directories, path), output, cancellationToken);
    }

    /// <summary>Unpacks a tar beside the mount and puts it in its place if there is nothing, or nothing in it.</summary>
    internal static void Load(LoadMountCall call, string state, Stream tar, CancellationToken cancellationToken)
    {
        Check(state, call.Tree);
        Directory.CreateDirectory(Path.GetDirectoryName(call.Tree)!);
        string making = Directory.CreateDirectory($"{call.Tree}.new-{Guid.NewGuid():N}").FullName;
        try
        {
            using (SafeFileHandle root = Trees.OpenRoot(making))
            using (var writer = new TreeWriter(root, overlay: false))
            {
                writer.Write(new Limited(tar, call.MaxSize), cancellationToken);
            }

            FileOwner.Set(making, call.Uid, call.Gid);
            FileOwner.SetMode(making, (uint)call.Mode);
            using SafeFileHandle parent = Trees.OpenRoot(Path.GetDirectoryName(making)!);
            int error = Trees.TryRename(parent, Path.GetFileName(making), parent, Path.GetFileName(call.Tree));
            if (error is not (0 or Errno.EEXIST or Errno.ENOTEMPTY)) throw new SyscallException("renameat", error, call.Tree);
        }
        finally
        {
            TreeRemover.Remove(making);
        }
    }

    private static SafeFileHandle Open(DirectoryStack directories, ImagePath path)
    {
        if (directories.Enter(path.Parent) is { } parent && Trees.TryStat(parent, path.Name, out FileStat found) && found.IsFile)
            return Trees.OpenFile(parent, path.Name);
        throw new KimgException(ErrorCode.StorageFailed, $"'{path}' is gone");
    }

    private static void Check(string state, string tree)
    {
        if (Path.IsPathRooted(tree) && Path.GetDirectoryName(tree) == Path.Combine(state, "mounts") && Path.GetFullPath(tree) == tree) return;
        throw new KimgException(ErrorCode.StoragePermission, $"'{tree}' is no cache mount of the state directory");
    }

    internal static KimgException TooLarge(long size, long limit) =>
        new(ErrorCode.StorageFailed, $"it holds {size} bytes, more than the {limit} that may travel") { Hint = "raise mounts-max-size" };

    /// <summary>Ends with an error when more comes than a mount of that size can need.</summary>
    private sealed class Limited(Stream inner, long maxSize) : ReadStream
    {
        // Headers and padding of at most so many small files.
        private long _left = maxSize + maxSize / 4 + (64 << 20);

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            _left -= read;
            return _left >= 0 ? read : throw TooLarge(maxSize - _left, maxSize);
        }
    }
}
