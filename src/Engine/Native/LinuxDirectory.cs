using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Native;

/// <summary>A directory by its descriptor: what is renamed or replaced meanwhile leads nowhere else.</summary>
internal sealed class LinuxDirectory(SafeFileHandle handle) : HostDirectory
{
    public static LinuxDirectory OpenRoot(string path) => new(Trees.OpenRoot(path));

    public override FileStat Stat() => Trees.Stat(handle);

    public override HostDirectory OpenDirectory(string path) => new LinuxDirectory(Trees.OpenDirectory(handle, path));

    public override List<DirectoryItem> Read() => Trees.Read(handle);

    public override bool TryStat(string name, out FileStat stat) => Trees.TryStat(handle, name, out stat);

    public override string ReadLink(string name) => Trees.ReadLink(handle, name);

    public override SafeFileHandle OpenFile(string path) => Trees.OpenFile(handle, path);

    public override void Dispose() => handle.Dispose();
}
