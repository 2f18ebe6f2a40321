using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>A layer made here that is now kept only as the blob it was exported as. Its identity in chains stays what it was.</summary>
internal sealed class NamedLayer(Digest id, SnapshotLayer blob) : SnapshotLayer
{
    public override Digest Id => id;

    public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken) => blob.GetIndexAsync(cancellationToken);

    public override Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken) => blob.OpenAsync(entry, cancellationToken);

    public override Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken) =>
        blob.HashAsync(entries, cancellationToken);

    public override Task WriteTarAsync(Stream output, CancellationToken cancellationToken) => blob.WriteTarAsync(output, cancellationToken);
}
