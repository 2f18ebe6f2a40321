using System.Runtime.CompilerServices;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Engine.Build;

/// <summary>The worker of a process; nothing is started before it is needed.</summary>
internal static class WorkerFactory
{
    public static IWorker Create(BuilderOptions options, StateLayout state) =>
        IsPossible(options) ? WorkerLauncher.Create(Options(options, state)) : new AbsentWorker();

    /// <summary>Whether a step is refused: a constant in the static binary.</summary>
    public static bool Refuses(IWorker worker) => RuntimeFeature.IsDynamicCodeSupported && worker is AbsentWorker;

    /// <summary>A worker enters its namespaces before the runtime starts, which only the static binary can.</summary>
    internal static bool IsPossible(BuilderOptions options) =>
        !RuntimeFeature.IsDynamicCodeSupported || (NativeCode.IsUsable && options.WorkerExecutable is not null);

    internal static WorkerOptions Options(BuilderOptions options, StateLayout state)
    {
        FeatureMask without = FeatureMasks.Parse(string.Join(",", options.Without));
        if (without.HasFlag(FeatureMask.Native))
        {
            throw new KimgException(ErrorCode.InvalidArgument, "this kimg cannot do without 'native'") { Hint = "managed code can: dotnet exec kimg.dll" };
        }

        return new WorkerOptions
        {
            StateDirectory = state.Root,
            Isolation = options.Isolation,
            StorageDriver = options.StorageDriver,
            Without = without,
            Program = options.WorkerExecutable,
        };
    }
}
