using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>Makes the directories of chains when a step mounts them: each once, whoever asks; the layers of a chain side by side, so that one is fetched while
/// another is inflated and a third written.</summary>
internal sealed class Directories(IWorker worker)
{
    // Each of them inflates in one process and writes in another: more would only wait for each other.
    private static readonly int s_atOnce = Math.Max(3, Environment.ProcessorCount);
    private readonly ConcurrentDictionary<SnapshotKey, Lazy<Task>> _made = new();

    /// <summary>After this every prefix of the chain is a directory.</summary>
    public async Task EnsureAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        var making = new List<Task>();
        for (int i = 0; i < snapshot.Layers.Length; i++)
        {
            int top = i;
            if (worker.HasDirectory(snapshot.Chain[top])) continue;
            // From the bottom up, so that none waits for one above it.
            if (making.Count >= s_atOnce)
            {
                Task oldest = making[^s_atOnce];
                await Task.WhenAny(oldest);
                if (!oldest.IsCompletedSuccessfully) break;
            }

            Task below = making.Count > 0 ? making[^1] : Task.CompletedTask;
            making.Add(_made.GetOrAdd(snapshot.Chain[top], _ => new Lazy<Task>(() => MakeAsync(snapshot, top, below, cancellationToken))).Value);
        }

        await Task.WhenAll(making);
    }

    private async Task MakeAsync(Snapshot snapshot, int top, Task below, CancellationToken cancellationToken)
    {
        SnapshotLayer layer = snapshot.Layers[top];
        ImmutableArray<SnapshotLayer> lower = snapshot.Layers[..top];
        if (!await worker.LayersStandAloneAsync(cancellationToken)) await Task.WhenAll(below, layer.FetchAsync(cancellationToken));
        await worker.ApplyAsync(
            snapshot.Chain[..(top + 1)], (output, token) => LayerNormalizer.WriteAsync(layer, lower, below, output, token), cancellationToken);
    }
}
