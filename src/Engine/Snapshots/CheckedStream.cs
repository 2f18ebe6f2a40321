using System.Security.Cryptography;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>A source's bytes, compared with what the plan was made from while they pass: exactly so many, of exactly this digest. Reading to the
/// end is what checks.</summary>
internal sealed class CheckedStream(Stream inner, long size, Digest expected, ImagePath name) : ReadStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _read;
    private bool _finished;

    public override long Length => size;

    public override long Position { get => _read; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (_finished || buffer.IsEmpty) return 0;
        int read = inner.Read(buffer);
        _read += read;
        if (_read > size) throw Changed(name, $"it has more than {size} bytes", null);
        _hash.AppendData(buffer[..read]);
        if (read == 0 && _read < size) throw Changed(name, $"it has {_read} bytes, not {size}", null);

        // Checked with the last byte, not at the end of the stream: a reader that knows the size may never ask again.
        if (_read == size) Finish();
        return read;
    }

    internal static KimgException Changed(ImagePath name, string how, Exception? inner) =>
        new(ErrorCode.FileChangedDuringBuild, $"'{name}' changed during the build: {how}", inner)
        {
            Hint = "make sure that nothing writes to the files while the image is built",
        };

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Finish()
    {
        _finished = true;
        Span<byte> more = stackalloc byte[1];
        if (inner.Read(more) != 0) throw Changed(name, $"it has more than {size} bytes", null);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _hash.GetHashAndReset(hash);
        Digest found = Digest.FromSha256(hash);
        if (found != expected) throw Changed(name, $"its digest is {found}, not {expected}", null);
    }
}
