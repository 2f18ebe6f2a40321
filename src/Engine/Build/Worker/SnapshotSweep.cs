using Kimg.Engine.Native;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Takes away what killed workers left half made. Every worker holds the lock shared for its life, so whoever gets it alone knows that what is half made
/// belongs to nobody.</summary>
internal static class SnapshotSweep
{
    private static readonly string[] s_halfMade = ["active-", "tmp-", ".probe-", ".driver-"];

    /// <param name="snapshots">Directory of the drivers' directories.</param>
    /// <param name="scratch">Where mounts were made; in mount namespaces that are gone.</param>
    /// <returns>To be held while the worker lives.</returns>
    internal static FileLock Run(string snapshots, string scratch)
    {
        string path = Path.Combine(snapshots, "lock");
        using (FileLock? alone = FileLock.TryAcquire(path, exclusive: true))
        {
            if (alone is not null)
            {
                RemoveIn(snapshots, s_halfMade);
                foreach (string driver in Directory.EnumerateDirectories(snapshots)) RemoveIn(driver, s_halfMade);
                RemoveIn(scratch, ["fuse-"]);
            }
        }

        return FileLock.Acquire(path, exclusive: false);
    }

    private static void RemoveIn(string directory, string[] prefixes)
    {
        using SafeFileHandle parent = Trees.OpenRoot(directory);
        foreach (string name in Trees.List(parent))
            if (prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))) TreeRemover.Remove(parent, name);
    }
}
