using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>Blobs on disk by digest: <c>blobs/sha256/ab…</c>. Safe for several processes at once; a half-written blob is never visible.</summary>
public interface IContentStore
{
    /// <summary>Size in bytes, or null when the blob is not here.</summary>
    long? Find(Digest digest);

    /// <summary>Opens a blob that is here; the stream is seekable and fails with StoreCorrupt when, read to its end, it does not match
    /// its digest (a corrupt blob is removed, so that the next build fetches it again).</summary>
    Stream OpenRead(Digest digest);

    /// <summary>All bytes of a small blob, verified.</summary>
    Task<ReadOnlyMemory<byte>> ReadAsync(Descriptor descriptor, CancellationToken cancellationToken);

    /// <summary>Begins writing a blob whose digest is not known or not yet checked.</summary>
    IIngest BeginIngest();

    /// <summary>Stores bytes; idempotent. Returns their digest.</summary>
    Task<Digest> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Path of the blob's file, for those that hand a descriptor to another process or hard-link it. The blob must be here.</summary>
    string PathOf(Digest digest);

    /// <summary>Fetches the blob unless it is here: streamed, size and digest checked, resumed after a broken connection; several waiters
    /// in one process share one download.</summary>
    /// <param name="progress">Called with the bytes so far.</param>
    Task EnsureAsync(Descriptor descriptor, IBlobProvider provider, Action<long>? progress, CancellationToken cancellationToken);

    /// <summary>As <see cref="EnsureAsync"/>, but returns at once what is arriving: the bytes can be read while they are fetched. The stream ends only when all of
    /// them have come and match the digest; until then they may be anything. Disposed before, it gives the download up, unless others wait for it too.</summary>
    Task<Stream> OpenFetchedAsync(Descriptor descriptor, IBlobProvider provider, Action<long>? progress, CancellationToken cancellationToken);
}

/// <summary>A blob being written. Disposed without commit it leaves nothing behind.</summary>
public interface IIngest : IAsyncDisposable
{
    /// <summary>Where the bytes go; digest and size are computed on the way.</summary>
    Stream Stream { get; }

    /// <summary>Makes the blob visible: flush, rename. Idempotent across processes.</summary>
    /// <param name="expected">When given, size and digest must be these.</param>
    /// <exception cref="KimgException">DigestMismatch, DiskFull.</exception>
    Task<(Digest Digest, long Size)> CommitAsync(Descriptor? expected, CancellationToken cancellationToken);
}
