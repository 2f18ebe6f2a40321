using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Exporters;

/// <summary>Writes a tree below an empty directory that nobody else writes to. Directories get their modes and times when they are complete.</summary>
internal sealed class TreeStager : IDisposable
{
    private readonly SafeFileHandle _root;
    private readonly Stack<(TarEntry Entry, SafeFileHandle Handle)> _open = new();
    private readonly TreeLinks _links = new();

    /// <param name="name">A directory to make in <paramref name="parent"/>; "." for the parent itself.</param>
    internal TreeStager(SafeFileHandle parent, string name)
    {
        if (name != ".") Trees.MakeDirectory(parent, name, 0x1ED);
        _root = Trees.OpenDirectory(parent, name);
    }

    internal async Task WriteAsync(IFileTree tree, CancellationToken cancellationToken)
    {
        foreach (TarEntry found in tree.Walk(ImagePath.Root))
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (_open.TryPeek(out var top) && !top.Entry.Path.Contains(found.Path)) Close();
            SafeFileHandle parent = _open.TryPeek(out var above) ? above.Handle : _root;
            TarEntry entry = _links.Order(found);
            string name = entry.Path.Name;
            switch (entry.Type)
            {
                case EntryType.Directory:
                    Trees.MakeDirectory(parent, name);
                    _open.Push((entry, Trees.OpenDirectory(parent, name)));
                    break;
                case EntryType.File:
                    await using (Stream content = await tree.OpenAsync(found, cancellationToken))
                        await WriteFileAsync(parent, entry, content, cancellationToken);
                    break;
                case EntryType.Symlink:
                    Trees.MakeSymlink(entry.LinkTarget!, parent, name);
                    Trees.SetModified(parent, name, entry.ModifiedSeconds, 0);
                    break;
                case EntryType.HardLink:
                    int errno = Trees.MakeLink(_root, entry.LinkTarget!, parent, name);
                    if (errno != 0) throw new SyscallException("linkat", errno, entry.Path.Value);
                    break;
                default:
                    MakeNode(parent, entry);
                    break;
            }
        }

        while (_open.Count > 0) Close();
    }

    public void Dispose()
    {
        foreach ((_, SafeFileHandle handle) in _open) handle.Dispose();
        _root.Dispose();
    }

    private static async Task WriteFileAsync(SafeFileHandle parent, TarEntry entry, Stream content, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(Trees.CreateFile(parent, entry.Path.Name), FileAccess.Write, 0);
        await content.CopyToAsync(file, cancellationToken);
        // After the bytes: writing takes setuid away.
        Trees.ChangeMode(file.SafeFileHandle, entry.Mode);
        SetAttributes(file.SafeFileHandle, entry);
        Trees.SetModified(file.SafeFileHandle, entry.ModifiedSeconds, 0);
    }

    private static void MakeNode(SafeFileHandle parent, TarEntry entry)
    {
        int format = entry.Type switch
        {
            EntryType.CharDevice => FileStat.Character, EntryType.BlockDevice => FileStat.Block, _ => FileStat.Fifo,
        };
        int errno = Trees.MakeNode(parent, entry.Path.Name, format | entry.Mode, entry.DeviceMajor, entry.DeviceMinor);
        if (errno == Errno.EPERM)
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"cannot make the device '{entry.Path}' without root")
            {
                Hint = "use type=tar, which needs no privileges, or remove the device from the image",
            };
        }

        if (errno != 0) throw new SyscallException("mknodat", errno, entry.Path.Value);
        Trees.ChangeMode(parent, entry.Path.Name, entry.Mode);
        Trees.SetModified(parent, entry.Path.Name, entry.ModifiedSeconds, 0);
    }

    // Capabilities and labels are for root and for file systems that have them; without, the file is still the file (BuildKit does the same).
    private static void SetAttributes(SafeFileHandle file, TarEntry entry)
    {
        if (entry.Xattrs is null) return;
        foreach ((string name, var value) in entry.Xattrs)
        {
            int errno = Xattrs.Set(file, name, value.AsSpan());
            if (errno is not (0 or Errno.EPERM or Errno.EOPNOTSUPP)) throw new SyscallException("fsetxattr", errno, entry.Path.Value);
        }
    }

    private void Close()
    {
        (TarEntry entry, SafeFileHandle handle) = _open.Pop();
        using (handle)
        {
            SetAttributes(handle, entry);
            Trees.ChangeMode(handle, entry.Mode);
            Trees.SetModified(handle, entry.ModifiedSeconds, 0);
        }
    }
}
