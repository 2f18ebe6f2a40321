using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build.Worker;

/// <summary>Makes the directory of a cache mount at its first use: empty with the mount's mode and owner, or a copy of a tree. It appears by rename, so
/// of two builds one wins and the other uses it.</summary>
internal static class CacheDirectories
{
    internal static void Ensure(HostMount mount)
    {
        if (Directory.Exists(mount.Path)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(mount.Path)!);
        string making = Directory.CreateDirectory($"{mount.Path}.new-{Guid.NewGuid():N}").FullName;
        FileOwner.Set(making, mount.Uid, mount.Gid);
        FileOwner.SetMode(making, (uint)mount.Mode);
        if (mount.Seed is not null)
            throw new KimgException(ErrorCode.UnsupportedFeature, "a cache mount that starts as a copy of a tree") { Hint = "leave from= and source= out of --mount=type=cache" };
        try
        {
            Directory.Move(making, mount.Path);
        }
        catch (IOException) when (Directory.Exists(mount.Path))
        {
            Directory.Delete(making, recursive: true);
        }
    }
}
