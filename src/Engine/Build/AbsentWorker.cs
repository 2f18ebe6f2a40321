using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build;

/// <summary>The worker where there can be none: builds that start none are done, a step is refused.</summary>
internal sealed class AbsentWorker : IWorker
{
    public static KimgException Refusal() => new(
        ErrorCode.NoSandbox, $"RUN needs kimg's binary for Linux; here kimg is managed code, on {RuntimeInformation.RuntimeIdentifier}") { Hint = NativeCode.LinuxCommand };

    public bool HasDirectory(SnapshotKey key) => false;

    public Task RemoveAsync(IReadOnlyList<SnapshotKey> keys, IReadOnlyList<string> trees, CancellationToken cancellationToken) =>
        keys.Count == 0 && trees.Count == 0 ? Task.CompletedTask : throw Refusal();

    public ValueTask<bool> LayersStandAloneAsync(CancellationToken cancellationToken) => throw Refusal();

    public Task ApplyAsync(ImmutableArray<SnapshotKey> chain, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken) => throw Refusal();

    public Task<StepResult> RunAsync(StepRequest request, StepIo io, CancellationToken cancellationToken) => throw Refusal();

    public Task<LayerIndex> ScanAsync(SnapshotKey key, CancellationToken cancellationToken) => throw Refusal();

    public Task WriteTarAsync(SnapshotKey key, Stream output, CancellationToken cancellationToken) => throw Refusal();

    public Task<IReadOnlyList<SafeFileHandle>> OpenAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken) => throw Refusal();

    public Task<IReadOnlyList<Digest>> HashAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken) => throw Refusal();

    public Task SaveMountAsync(string tree, long maxSize, Stream output, CancellationToken cancellationToken) => throw Refusal();

    public Task LoadMountAsync(StoredMount mount, long maxSize, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken) => throw Refusal();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>A RUN that no worker can execute. What a cache has of it is still a hit.</summary>
internal sealed class RefusedStep(IOp<OpResult> step) : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap => step.CacheMap;

    public Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken) => Task.FromException<OpResult>(AbsentWorker.Refusal());
}
