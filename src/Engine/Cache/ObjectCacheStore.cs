using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>A cache as objects: each blob under its digest, shared by all caches of the bucket, and the manifest under a name.</summary>
/// <param name="blobs">Prefix of the keys of blobs.</param>
/// <param name="manifests">Prefix of the keys of manifests.</param>
/// <param name="names">The cache is read by the first and written under each.</param>
/// <param name="parallel">Uploads at once.</param>
internal sealed class ObjectCacheStore(IObjectStore objects, string blobs, string manifests, ImmutableArray<string> names, int parallel) : ICacheStore, IBlobProvider
{
    public string Name => $"{objects.Name}/{manifests}{names[0]}";

    public IBlobProvider Blobs => this;

    public string? Source => null;

    public async Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken)
    {
        await using Stream? body = await objects.OpenAsync(manifests + names[0], 0, cancellationToken);
        if (body is null) return null;
        byte[] bytes = await BoundedBody.ReadAsync(body, null, BoundedBody.Manifest, $"manifest '{Name}'", cancellationToken);
        return ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, $"manifest '{Name}'");
    }

    public async Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        await objects.OpenAsync(blobs + descriptor.Digest, offset, cancellationToken)
        ?? throw new KimgException(ErrorCode.ImageNotFound, $"blob {descriptor.Digest} is not in '{objects.Name}' any more");

    public async Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken)
    {
        IBlobProvider source = artifact.With(upload.Blobs);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(artifact.Blobs.Append(artifact.ConfigDescriptor).DistinctBy(b => b.Digest), options, async (blob, token) =>
        {
            if (!await objects.TouchAsync(blobs + blob.Digest, blob.Size, token))
                await objects.PutAsync(blobs + blob.Digest, blob.Digest, blob.Size, Open(source, blob), bytes => upload.Progress(blob, bytes), token);
            upload.Progress(blob, blob.Size);
        });
        // Last: whoever reads it finds everything it leads to.
        Descriptor root = artifact.Root.Descriptor;
        foreach (string name in names) await objects.PutAsync(manifests + name, root.Digest, root.Size, Open(source, root), null, cancellationToken);
    }

    private static Func<CancellationToken, Task<Stream>> Open(IBlobProvider source, Descriptor blob) =>
        async token => new VerifiedStream(await source.OpenBlobAsync(blob, 0, token), blob.Digest, blob.Size);
}
