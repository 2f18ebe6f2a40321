using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>Makes the directories of chains when a step mounts them: each once, whoever asks.</summary>
internal sealed class Directories(IWorker worker)
{
    private readonly ConcurrentDictionary<SnapshotKey, Lazy<Task>> _made = new();

    /// <summary>After this every prefix of the chain is a directory.</summary>
    public async Task EnsureAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        for (int i = 0; i < snapshot.Layers.Length; i++)
        {
            int top = i;
            if (worker.HasDirectory(snapshot.Chain[top])) continue;
            await _made.GetOrAdd(snapshot.Chain[top], _ => new Lazy<Task>(() => MakeAsync(snapshot, top, cancellationToken))).Value;
        }
    }

    private Task MakeAsync(Snapshot snapshot, int top, CancellationToken cancellationToken)
    {
        ImmutableArray<SnapshotLayer> below = snapshot.Layers[..top];
        return worker.ApplyAsync(
            snapshot.Chain[..(top + 1)],
            (output, token) => LayerNormalizer.WriteAsync(snapshot.Layers[top], below, output, token),
            cancellationToken);
    }
}
