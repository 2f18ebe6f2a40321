using Kimg.Engine.Build.Worker;
using Kimg.Engine.Ops;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>The worker of a process; nothing is started before it is needed.</summary>
internal static class WorkerFactory
{
    private static readonly string[] s_drivers = ["overlay", "fuse-overlayfs", "native"];

    public static IWorker Create(BuilderOptions options, StateLayout state)
    {
        string[] drivers = options.StorageDriver == "auto" ? s_drivers : [options.StorageDriver];
        return WorkerLauncher.Create(
            new WorkerOptions
            {
                StateDirectory = state.Root,
                Isolation = options.Isolation,
                StorageDriver = options.StorageDriver,
                Without = FeatureMasks.Parse(string.Join(",", options.Without)),
                Program = options.WorkerExecutable,
            },
            key => Array.Exists(drivers, driver => Has(state, driver, key)));
    }

    private static bool Has(StateLayout state, string driver, SnapshotKey key) =>
        Directory.Exists(Path.Combine(state.Snapshots, driver, key.Digest.Hex, "fs"));
}
