using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Ops;

/// <summary>A layer that is a directory: what a step changed, or what was unpacked. Everything in it is read by the worker, which may.</summary>
internal sealed class DirectoryLayer(Digest id, SnapshotKey key, IWorker worker) : SnapshotLayer
{
    private readonly Lock _gate = new();
    private Task<LayerIndex>? _index;

    public override Digest Id => id;

    public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_index is null or { IsFaulted: true } or { IsCanceled: true }) _index = worker.ScanAsync(key, cancellationToken);
            return new(_index);
        }
    }

    public override async Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        SafeFileHandle handle = (await worker.OpenAsync(key, [entry.Path], cancellationToken))[0];
        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }

    public override Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken) =>
        worker.HashAsync(key, [.. entries.Select(entry => entry.Path)], cancellationToken);

    public override Task WriteTarAsync(Stream output, CancellationToken cancellationToken) => worker.WriteTarAsync(key, output, cancellationToken);
}
