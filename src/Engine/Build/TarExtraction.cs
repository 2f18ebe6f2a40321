using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build;

/// <summary>Unpacks a context tar into a directory of the user's own: files, directories, symlinks and hard links; devices are not kept, and owners
/// and modes are what <see cref="ContextHeaders"/> says of them. The tar is hostile: every parent is walked to without following symlinks, and one that is no directory is replaced.</summary>
internal static class TarExtraction
{
    private const int Owner = 0b111_000_000, Readable = 0b100_000_000;

    /// <returns>What the tar says of its entries.</returns>
    /// <exception cref="KimgException">UnsafeArchive, ContextUnreadable.</exception>
    public static ContextHeaders Extract(Stream tar, string directory, CancellationToken cancellationToken)
    {
        using SafeFileHandle root = Trees.OpenRoot(directory);
        var reader = new TarReader(Codec.Decompress(tar), TarDialect.Plain);
        var directories = new List<TarEntry>();
        var headers = new Dictionary<ImagePath, ContextHeader>();
        try
        {
            while (reader.ReadNext() is { } entry)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry.Path.IsRoot) continue;
                using SafeFileHandle parent = OpenParent(root, entry.Path);
                Put(root, parent, entry, reader);
                headers[entry.Path] = new ContextHeader(entry.Mode, entry.Uid, entry.Gid);
                if (entry.Type == EntryType.HardLink) headers[ImagePath.Normalize(entry.LinkTarget!)] = headers[entry.Path];
                if (entry.Type == EntryType.Directory) directories.Add(entry);
            }

            // Last, the deepest first: writing below a directory changes its time, and its mode may forbid that.
            foreach (TarEntry entry in Enumerable.Reverse(directories)) Finish(root, entry);
            return path => headers.TryGetValue(path, out ContextHeader header) ? header : null;
        }
        catch (SyscallException error)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"the context cannot be unpacked: {error.Message}", error) { Hint = "check the space and the permissions below the state directory" };
        }
    }

    private static void Put(SafeFileHandle root, SafeFileHandle parent, TarEntry entry, TarReader reader)
    {
        string name = entry.Path.Name;
        switch (entry.Type)
        {
            case EntryType.Directory:
                OpenOrMake(parent, name).Dispose();
                break;
            case EntryType.File:
                TreeRemover.Remove(parent, name);
                using (var file = new FileStream(Trees.CreateFile(parent, name), FileAccess.Write, bufferSize: 0)) reader.Content.CopyTo(file, 128 << 10);
                Trees.ChangeMode(parent, name, entry.Mode | Readable);
                Trees.SetModified(parent, name, entry.ModifiedSeconds, 0);
                break;
            case EntryType.Symlink:
                TreeRemover.Remove(parent, name);
                Trees.MakeSymlink(entry.LinkTarget!, parent, name);
                Trees.SetModified(parent, name, entry.ModifiedSeconds, 0);
                break;
            case EntryType.HardLink:
                Link(root, parent, entry);
                break;
        }
    }

    private static void Link(SafeFileHandle root, SafeFileHandle parent, TarEntry entry)
    {
        ImagePath target = ImagePath.Normalize(entry.LinkTarget!);
        using SafeFileHandle? directory = TryOpen(root, target.Parent);
        if (directory is null || !Trees.TryStat(directory, target.Name, out FileStat stat) || stat.IsDirectory)
            throw new KimgException(ErrorCode.UnsafeArchive, $"the context holds '{entry.Path}', a hard link to '{target}', which is no file before it") { Hint = "make the tar again" };
        TreeRemover.Remove(parent, entry.Path.Name);
        if (Trees.MakeLink(directory, target.Name, parent, entry.Path.Name) is var errno and not 0)
            throw new SyscallException("linkat", errno, entry.Path.Value);
    }

    private static void Finish(SafeFileHandle root, TarEntry entry)
    {
        using SafeFileHandle? directory = TryOpen(root, entry.Path);
        if (directory is null) return; // something later took its place
        Trees.ChangeMode(directory, entry.Mode | Owner);
        Trees.SetModified(directory, entry.ModifiedSeconds, 0);
    }

    private static SafeFileHandle OpenParent(SafeFileHandle root, ImagePath path)
    {
        SafeFileHandle at = Trees.OpenDirectory(root, ".");
        foreach (string part in path.Parts[..^1])
        {
            using SafeFileHandle above = at;
            at = OpenOrMake(above, part);
        }

        return at;
    }

    private static SafeFileHandle OpenOrMake(SafeFileHandle parent, string name)
    {
        if (Trees.TryStat(parent, name, out FileStat stat) && !stat.IsDirectory) TreeRemover.Remove(parent, name);
        Trees.TryMakeDirectory(parent, name, 0b111_101_101);
        return Trees.OpenDirectory(parent, name);
    }

    private static SafeFileHandle? TryOpen(SafeFileHandle root, ImagePath path)
    {
        SafeFileHandle at = Trees.OpenDirectory(root, ".");
        foreach (string part in path.IsRoot ? [] : path.Parts)
        {
            using SafeFileHandle above = at;
            if (!Trees.TryStat(above, part, out FileStat stat) || !stat.IsDirectory) return null;
            at = Trees.OpenDirectory(above, part);
        }

        return at;
    }
}
