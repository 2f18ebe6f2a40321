using Kimg.Engine.Archive;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Where a planned file's bytes come from, with the digest they must have.</summary>
internal abstract record ByteSource
{
    /// <summary>SHA-256 of the bytes.</summary>
    internal abstract Digest Digest { get; }

    /// <summary>The bytes, not yet verified.</summary>
    internal abstract Task<Stream> OpenAsync(CancellationToken cancellationToken);
}

/// <summary>The bytes themselves (heredocs, generated files).</summary>
internal sealed record InlineBytes(ReadOnlyMemory<byte> Bytes) : ByteSource
{
    internal override Digest Digest { get; } = Digest.Sha256(Bytes.Span);

    internal override Task<Stream> OpenAsync(CancellationToken cancellationToken) =>
        Task.FromResult<Stream>(new MemoryStream(Bytes.ToArray(), writable: false));
}

/// <summary>A file of a context or of another chain of layers.</summary>
/// <param name="Expected">What it hashed to when the plan was made.</param>
internal sealed record TreeFile(IFileTree Tree, TarEntry Entry, Digest Expected) : ByteSource
{
    internal override Digest Digest => Expected;

    internal override Task<Stream> OpenAsync(CancellationToken cancellationToken) => Tree.OpenAsync(Entry, cancellationToken);
}

/// <summary>A blob of the store (an ADD from a URL). The store checks it while it is read.</summary>
internal sealed record StoredBlob(IContentStore Store, Digest Blob) : ByteSource
{
    internal override Digest Digest => Blob;

    internal override Task<Stream> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Store.OpenRead(Blob));
}

/// <summary>A part of a file of this machine (an unpacked archive's).</summary>
internal sealed record FileRange(string File, long Offset, long Length, Digest Expected) : ByteSource
{
    internal override Digest Digest => Expected;

    internal override Task<Stream> OpenAsync(CancellationToken cancellationToken) =>
        Task.FromResult<Stream>(new RangeStream(System.IO.File.OpenHandle(File), Offset, Length, ownsFile: true));
}
