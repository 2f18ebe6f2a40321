using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Makes the directory of a cache mount at its first use: empty with the mount's mode and owner, or a copy of a tree. It appears by rename, so
/// of two builds one wins and the other uses it. Until then it is among the snapshots, where what killed workers left is swept.</summary>
internal static class CacheDirectories
{
    internal static void Ensure(HostMount mount, ISnapshotter snapshots, WorkerSettings settings)
    {
        if (Directory.Exists(mount.Path)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(mount.Path)!);
        string making = Directory.CreateDirectory(Path.Combine(settings.Snapshots, $"tmp-{Guid.NewGuid():N}")).FullName;
        FileOwner.Set(making, mount.Uid, mount.Gid);
        FileOwner.SetMode(making, (uint)mount.Mode);
        if (mount.Seed is { } seed)
        {
            using var fuse = new FuseMounts(settings.Scratch, settings.Program);
            RootFileSystem.Visit(fuse.Mount(snapshots.View(seed.Chain)), settings.Scratch, settings.Without, root => Copy(root, seed.Source, making));
        }

        try
        {
            Directory.Move(making, mount.Path);
        }
        catch (IOException) when (Directory.Exists(mount.Path))
        {
            Directory.Delete(making, recursive: true);
        }
    }

    private static void Copy(SafeFileHandle root, string path, string target)
    {
        using SafeFileHandle found = RootedPaths.Resolve(root, path);
        using SafeFileHandle source = Trees.OpenRoot(RootedPaths.PathOf(found)), destination = Trees.OpenRoot(target);
        new TreeCopier(source, destination, link: false).Copy(CancellationToken.None);
    }
}
