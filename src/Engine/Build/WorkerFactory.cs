using Kimg.Engine.Build.Worker;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>The worker of a process; nothing is started before it is needed.</summary>
internal static class WorkerFactory
{
    private static readonly string[] s_drivers = ["overlay", "fuse-overlayfs", "native"];

    public static IWorker Create(BuilderOptions options, StateLayout state)
    {
        var worker = new WorkerOptions
        {
            StateDirectory = state.Root,
            Isolation = options.Isolation,
            StorageDriver = options.StorageDriver,
            Without = FeatureMasks.Parse(string.Join(',', options.Without)),
            Program = options.WorkerExecutable,
        };
        string[] drivers = options.StorageDriver == "auto" ? s_drivers : [options.StorageDriver];
        var roots = new Lazy<SnapshotPaths[]>(() => OwnersOf(worker) is { } owners
            ? [.. drivers.Select(driver => SnapshotPaths.For(state.Root, driver, owners))]
            : []);
        return WorkerLauncher.Create(worker, key => Array.Exists(roots.Value, root => root.Exists(key)));
    }

    // Null: no step can run here, so no directory can be used either.
    private static string? OwnersOf(WorkerOptions options)
    {
        var ladder = new IsolationLadder(options.Without);
        try
        {
            return ladder.Owners(ladder.Choose(options.Isolation));
        }
        catch (KimgException error) when (error.Code == ErrorCode.NoSandbox)
        {
            return null;
        }
    }
}
