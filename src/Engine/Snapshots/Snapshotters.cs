using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>The storage drivers by name.</summary>
internal static class Snapshotters
{
    /// <param name="directory">Holds the directories of all drivers under one way of writing owners.</param>
    internal static ISnapshotter Open(string driver, string directory)
    {
        var paths = new SnapshotPaths(Path.Combine(directory, driver));
        return driver switch
        {
            "overlay" => new OverlaySnapshotter(paths),
            "fuse-overlayfs" => new OverlaySnapshotter(paths, fuse: true),
            "native" => new CopySnapshotter(paths),
            _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"no storage driver '{driver}'") { Hint = "known are auto, overlay, fuse-overlayfs and native" },
        };
    }
}
