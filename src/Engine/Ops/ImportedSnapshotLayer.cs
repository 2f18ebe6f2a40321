using System.Runtime.CompilerServices;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>A layer out of an imported cache. For cache keys it is the layer it claims to be; what is made of it is kept under its diff ID, so that it can never be
/// taken for a layer made here. When it cannot be had, or is not what it should be, whoever uses it learns of damage and does without.</summary>
/// <param name="form">Compression and level of the blob.</param>
/// <param name="damaged">Makes the error of what is wrong; from then on the cache is not asked again.</param>
internal sealed class ImportedSnapshotLayer(Digest id, BlobLayer blob, string form, Func<KimgException, KimgException> damaged) : SnapshotLayer
{
    public override Digest Id => id;

    internal override Digest StorageId => blob.Id;

    internal BlobLayer Blob => blob;

    internal string Form => form;

    /// <summary>Times in the blob were clamped to this, seconds since 1970.</summary>
    internal long? Epoch { get; init; }

    public override async ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await blob.GetIndexAsync(cancellationToken);
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    public override async Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            return await blob.OpenAsync(entry, cancellationToken);
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    public override async Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken)
    {
        try
        {
            return await blob.HashAsync(entries, cancellationToken);
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    public override async Task WriteTarAsync(Stream output, CancellationToken cancellationToken)
    {
        try
        {
            await blob.WriteTarAsync(output, cancellationToken);
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    internal override async Task FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            await blob.FetchAsync(cancellationToken);
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    internal override async IAsyncEnumerable<LayerItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<LayerItem> items = blob.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(items))
            yield return items.Current is { Content: { } content } item ? item with { Content = new Guarded(content, damaged) } : items.Current;
    }

    private async Task<bool> NextAsync(IAsyncEnumerator<LayerItem> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (KimgException e)
        {
            throw damaged(e);
        }
    }

    private sealed class Guarded(Stream inner, Func<KimgException, KimgException> damaged) : ReadStream
    {
        public override int Read(Span<byte> buffer)
        {
            try
            {
                return inner.Read(buffer);
            }
            catch (KimgException e)
            {
                throw damaged(e);
            }
        }
    }
}
