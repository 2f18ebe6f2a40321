using System.Runtime.CompilerServices;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>One layer of a chain, in whatever form it has so far: a blob (image layer), a plan (COPY), or a directory (RUN). Nothing is made
/// before somebody asks.</summary>
public abstract class SnapshotLayer
{
    /// <summary>Identity within chains: the diff ID of an image layer, the digest of a plan, the unique id of a step's result.</summary>
    public abstract Digest Id { get; }

    /// <summary>What directories and blobs made of it are kept under: its identity, unless somebody else has claimed that.</summary>
    internal virtual Digest StorageId => Id;

    /// <summary>When it was made here; null for a layer of a base image. History shows it; it is part of no identity.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>All entries, sorted by path. Loaded once.</summary>
    public abstract ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken);

    /// <summary>The bytes of a regular file of this layer.</summary>
    public abstract Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken);

    /// <summary>SHA-256 of the bytes of each regular file asked for, in order.</summary>
    public abstract Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken);

    /// <summary>Writes the layer's canonical tar (for an image layer: the original bytes).</summary>
    public abstract Task WriteTarAsync(Stream output, CancellationToken cancellationToken);

    /// <summary>Brings here what <see cref="ReadAsync"/> will need, where that is elsewhere.</summary>
    internal virtual Task FetchAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>All entries with their bytes, in an order in which they can be unpacked. A content is valid until the next entry is asked for; entries other
    /// than regular files have none. By default the index's order.</summary>
    internal virtual async IAsyncEnumerable<LayerItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LayerIndex index = await GetIndexAsync(cancellationToken);
        for (int i = 0; i < index.Count; i++)
        {
            TarEntry entry = index[i];
            if (entry is not { Type: EntryType.File, Size: > 0 })
            {
                yield return new LayerItem(entry, null);
                continue;
            }

            await using Stream content = await OpenAsync(entry, cancellationToken);
            yield return new LayerItem(entry, content);
        }
    }
}

/// <summary>An entry of a layer and, for a regular file that is not empty, its bytes.</summary>
internal readonly record struct LayerItem(TarEntry Entry, Stream? Content);
