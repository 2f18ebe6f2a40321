using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>The storage drivers by name.</summary>
internal static class Snapshotters
{
    /// <param name="directory">Where the directories of all drivers are, for one way of writing owners.</param>
    internal static ISnapshotter Open(string driver, string directory) => driver switch
    {
        OverlaySnapshotter.KernelDriver => new OverlaySnapshotter(new SnapshotPaths(Path.Combine(directory, driver))),
        OverlaySnapshotter.FuseDriver => new OverlaySnapshotter(new SnapshotPaths(Path.Combine(directory, driver)), fuse: true),
        CopySnapshotter.DriverName => new CopySnapshotter(new SnapshotPaths(Path.Combine(directory, driver))),
        _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"no storage driver '{driver}'") { Hint = "known are auto, overlay, fuse-overlayfs and native" },
    };
}
