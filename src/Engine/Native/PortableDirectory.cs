using System.IO.Enumeration;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>A directory by its path, with what .NET says on every system. Of a file it knows one name, no owner and no identity; what is neither file, directory
/// nor symlink is an empty file. On Windows everything has mode 755, as Docker sends contexts from there. The path is walked anew by each call: this is for
/// directories that nobody else changes.</summary>
internal sealed class PortableDirectory(string root) : HostDirectory
{
    private const int WindowsMode = 0b111_101_101, ModeBits = 0xFFF;
    private const byte TypeDirectory = 4, TypeFile = 8;

    private static readonly EnumerationOptions s_everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    public static PortableDirectory OpenRoot(string path) => Directory.Exists(path)
        ? new PortableDirectory(Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path))
        : throw new SyscallException("open", File.Exists(path) ? Errno.ENOTDIR : Errno.ENOENT, path);

    public override FileStat Stat() => StatOf(root) ?? throw new SyscallException("stat", Errno.ENOENT, root);

    public override HostDirectory OpenDirectory(string path)
    {
        string full = Path.GetFullPath(path, root);
        FileStat stat = StatOf(full) ?? throw new SyscallException("open", Errno.ENOENT, full);
        return stat.IsDirectory ? new PortableDirectory(full) : throw new SyscallException("open", Errno.ENOTDIR, full);
    }

    public override List<DirectoryItem> Read() => Guard(root, () =>
    {
        List<DirectoryItem> items =
        [
            .. new FileSystemEnumerable<DirectoryItem>(
                root, static (ref FileSystemEntry entry) => new DirectoryItem(entry.FileName.ToString(), entry.IsDirectory ? TypeDirectory : TypeFile), s_everything),
        ];
        // .NET makes U+FFFD of what is no text, and then cannot find it, or finds another file that really has that name.
        int bad = items.FindIndex(item => item.Name.Contains('\uFFFD', StringComparison.Ordinal)
            && (StatOf(Path.Combine(root, item.Name)) is null || items.Count(other => other.Name == item.Name) > 1));
        return bad < 0 ? items : throw Unreadable(root, $"holds a name that is not UTF-8: '{items[bad].Name}'", "give that file another name");
    });

    public override bool TryStat(string name, out FileStat stat)
    {
        FileStat? found = StatOf(Path.Combine(root, name));
        stat = found.GetValueOrDefault();
        return found is not null;
    }

    public override string ReadLink(string name)
    {
        string full = Path.Combine(root, name);
        string target = Guard(full, () => new FileInfo(full).LinkTarget) ?? throw new SyscallException("readlink", Errno.EINVAL, full);
        return OperatingSystem.IsWindows() ? FromWindows(target) : target;
    }

    public override SafeFileHandle OpenFile(string path)
    {
        string full = Path.Combine(root, path);
        FileStat stat = StatOf(full) ?? throw new SyscallException("open", Errno.ENOENT, full);
        if (!stat.IsFile) throw new SyscallException("open", stat.IsSymlink ? Errno.ELOOP : Errno.EISDIR, full);
        // A pipe without a writer would block, and looks like an empty file.
        if (stat.Size == 0 && !OperatingSystem.IsWindows()) full = "/dev/null";
        return Guard(full, () => File.OpenHandle(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
    }

    public override void Dispose()
    {
    }

    /// <summary>Removes a directory of this machine with everything in it, following nothing; nothing there is fine.</summary>
    public static void Remove(string path)
    {
        if (!Directory.Exists(path)) return;
        // What may not be written may not be removed either: its directory on Unix, itself on Windows.
        foreach (FileSystemInfo entry in new DirectoryInfo(path).EnumerateFileSystemInfos("*", s_everything))
        {
            bool isDirectory = entry is DirectoryInfo && entry.LinkTarget is null;
            if (OperatingSystem.IsWindows()) entry.Attributes &= ~FileAttributes.ReadOnly;
            else if (isDirectory) entry.UnixFileMode |= UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            if (isDirectory) Remove(entry.FullName);
            else entry.Delete();
        }

        Directory.Delete(path);
    }

    /// <summary>A symlink's target as Linux has it. A drive is no place there: such a target is left as it is, and leads nowhere.</summary>
    internal static string FromWindows(string target) => target.Replace('\\', '/');

    private static FileStat? StatOf(string path) => Guard<FileStat?>(path, () =>
    {
        var info = new FileInfo(path);
        FileAttributes attributes = info.Attributes;
        if ((int)attributes == -1) return null;
        int mode = OperatingSystem.IsWindows() ? WindowsMode : (int)info.UnixFileMode & ModeBits;
        if (attributes.HasFlag(FileAttributes.ReparsePoint) && info.LinkTarget is not null) return new FileStat(FileStat.Symlink, mode, 0, info.LastWriteTimeUtc);
        return attributes.HasFlag(FileAttributes.Directory)
            ? new FileStat(FileStat.Directory, mode, 0, info.LastWriteTimeUtc)
            : new FileStat(FileStat.File, mode, info.Length, info.LastWriteTimeUtc);
    });

    private static T Guard<T>(string path, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception e) when (e is (IOException and not SyscallException) or UnauthorizedAccessException)
        {
            if (e is IOException held && FileLock.IsHeld(held)) throw Unreadable(path, "is kept by another program for itself", "close it there, or exclude it in .dockerignore");
            throw new SyscallException("access", e switch
            {
                UnauthorizedAccessException => Errno.EACCES,
                FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
                _ => Errno.EIO,
            }, path);
        }
    }

    private static KimgException Unreadable(string path, string why, string hint) => new(ErrorCode.ContextUnreadable, $"'{path}' {why}") { Hint = hint };
}
