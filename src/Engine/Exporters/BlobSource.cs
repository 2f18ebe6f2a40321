using Kimg.Engine.Content;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

/// <summary>Where exporters read blobs: their bytes when at hand, else the content store, into which a base image's layer is fetched when it is
/// first needed.</summary>
/// <param name="providerOf">Who has a blob that is not in the store; null: nobody.</param>
internal sealed class BlobSource(IContentStore store, Func<Descriptor, IBlobProvider?> providerOf)
{
    private const int Downloads = 4;

    /// <summary>Makes sure that all blobs can be read, fetching several at once.</summary>
    public Task EnsureAsync(IEnumerable<ExportBlob> blobs, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        blobs.Where(b => b.Bytes is null).DistinctBy(b => b.Descriptor.Digest),
        new ParallelOptions { MaxDegreeOfParallelism = Downloads, CancellationToken = cancellationToken },
        async (blob, token) =>
        {
            if (store.Find(blob.Descriptor.Digest) is null && providerOf(blob.Descriptor) is { } provider)
                await store.EnsureAsync(blob.Descriptor, provider, null, token);
        });

    /// <summary>The blob's bytes, verified while they are read.</summary>
    public Stream Open(ExportBlob blob) =>
        blob.Bytes is { } bytes ? new MemoryStream(bytes.ToArray(), writable: false) : store.OpenRead(blob.Descriptor.Digest);
}
