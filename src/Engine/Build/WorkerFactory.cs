using Kimg.Engine.Build.Worker;
using Kimg.Engine.Ops;
using Kimg.Engine.Sandbox;

namespace Kimg.Engine.Build;

/// <summary>The worker of a process; nothing is started before it is needed.</summary>
internal static class WorkerFactory
{
    public static IWorker Create(BuilderOptions options, StateLayout state) => WorkerLauncher.Create(Options(options, state));

    internal static WorkerOptions Options(BuilderOptions options, StateLayout state) => new()
    {
        StateDirectory = state.Root,
        Isolation = options.Isolation,
        StorageDriver = options.StorageDriver,
        Without = FeatureMasks.Parse(string.Join(",", options.Without)),
        Program = options.WorkerExecutable,
    };
}
