using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>The storage drivers by name.</summary>
internal static class Snapshotters
{
    /// <param name="directory">Where the directories of all drivers are.</param>
    internal static ISnapshotter Open(string driver, string directory) => driver switch
    {
        "overlay" or "native" or "fuse-overlayfs" => new Temp(driver, directory),
        _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"no storage driver '{driver}' for '{directory}'") { Hint = "known are auto, overlay, fuse-overlayfs and native" },
    };
}
