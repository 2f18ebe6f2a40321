using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>Reads a blob and checks its size and digest on the way. The read that completes the blob fails instead of returning its last
/// bytes when they do not match, so a reader that takes exactly the promised size is safe too. Three failures, three messages: too short,
/// too long, another digest. Where the inner stream can seek, going back to the start starts the check again; any other jump ends it (whoever reads parts
/// checks the parts).</summary>
/// <param name="failure">Makes the exception from what is wrong ("has 3 bytes instead of 5"); default: DigestMismatch.</param>
internal sealed class VerifiedStream(Stream inner, Digest digest, long size, Func<string, KimgException>? failure = null) : ReadStream
{
    private readonly ContentHash _hash = new(digest.Algorithm);
    private long _hashed;
    private bool _off, _done;

    public override bool CanSeek => inner.CanSeek;

    public override long Length => size;

    public override long Position
    {
        get => inner.CanSeek ? inner.Position : _hashed;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(Span<byte> buffer) => buffer.IsEmpty ? 0 : Check(buffer, inner.Read(buffer));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        int read = await inner.ReadAsync(buffer, cancellationToken);
        return Check(buffer.Span, read);
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        long before = inner.Position, after = inner.Seek(offset, origin);
        if (after == before) return after;
        _off = after != 0;
        if (after == 0)
        {
            if (!_done) _ = _hash.Finish();
            (_hashed, _done) = (0, false);
        }

        return after;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        _hash.Dispose();
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private int Check(ReadOnlySpan<byte> buffer, int read)
    {
        if (_off) return read;
        _hashed += read;
        if (_hashed > size) throw Fail($"is longer than its {size} bytes");
        if (read == 0 && _hashed < size) throw Fail($"ends after {_hashed} of {size} bytes");
        if (read > 0) _hash.Append(buffer[..read]);
        if (_hashed < size || _done) return read;
        _done = true;
        return _hash.Finish() is var actual && actual == digest ? read : throw Fail($"has the digest {actual}");
    }

    private KimgException Fail(string what) => failure?.Invoke(what) ?? new KimgException(ErrorCode.DigestMismatch, $"blob {digest} {what}")
    {
        Hint = "the sender is broken, or something between it and here changes the data",
    };
}
