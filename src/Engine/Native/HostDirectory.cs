using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>A directory of this machine to read from: names, what lstat says of them, links and bytes. No symlink is followed in the last part of a path.
/// Paths have '/' between their parts and are relative to it. Failures are <see cref="SyscallException"/>s with Linux's numbers on every system.</summary>
internal abstract class HostDirectory : IDisposable
{
    /// <param name="path">Absolute, as the system writes it; symlinks are followed.</param>
    public static HostDirectory Open(string path) => NativeCode.IsUsable ? LinuxDirectory.OpenRoot(path) : PortableDirectory.OpenRoot(path);

    /// <summary>Of the directory itself.</summary>
    public abstract FileStat Stat();

    /// <param name="path">"." is the directory itself.</param>
    public abstract HostDirectory OpenDirectory(string path);

    /// <summary>What is in it, in the file system's order.</summary>
    public abstract List<DirectoryItem> Read();

    /// <summary>False when nothing has this name.</summary>
    public abstract bool TryStat(string name, out FileStat stat);

    /// <summary>Where a symlink leads, with '/' between the parts.</summary>
    public abstract string ReadLink(string name);

    /// <summary>Opens a regular file for reading; what is none does not block.</summary>
    public abstract SafeFileHandle OpenFile(string path);

    public abstract void Dispose();
}
