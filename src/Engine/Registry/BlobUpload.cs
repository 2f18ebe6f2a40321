using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>A blob sent while it is written. Small ones are held in memory and sent whole, larger ones in chunks. Disposed without commit
/// it leaves nothing in the repository.</summary>
internal sealed class BlobUpload : IAsyncDisposable
{
    private const int MaxChunk = 64 << 20;

    private readonly BlobUploads _uploads;
    private readonly ContentHash _hash = new();
    private byte[] _buffer = [];
    private int _limit;
    private int _buffered;
    private long _sent;
    private Uri? _session;
    private bool _committed;

    internal BlobUpload(BlobUploads uploads, int chunkSize)
    {
        _uploads = uploads;
        _limit = chunkSize;
        Stream = new Sink(this);
    }

    /// <summary>Where the bytes go. Write from one thread; writing waits for the registry when it is slower.</summary>
    public Stream Stream { get; }

    /// <summary>Makes the blob visible in the repository; returns what it is.</summary>
    /// <param name="expected">When given, the digest must be this.</param>
    /// <exception cref="KimgException">DigestMismatch; whatever the registry answers.</exception>
    public async Task<(Digest Digest, long Size)> CommitAsync(Digest? expected, CancellationToken cancellationToken)
    {
        Digest digest = _hash.Finish();
        long size = _sent + _buffered;
        if (expected is { } e && e != digest) throw new KimgException(ErrorCode.DigestMismatch, $"{_uploads.Target} has the digest {digest} instead of {e}");
        if (_session is null)
        {
            byte[] whole = _buffer[.._buffered];
            await _uploads.UploadAsync(
                new Oci.Descriptor { MediaType = "application/octet-stream", Digest = digest, Size = size },
                _ => Task.FromResult<Stream>(new ReadOnlyMemoryStream(whole)), null, cancellationToken);
        }
        else
        {
            if (_buffered > 0) await SendBufferAsync(cancellationToken);
            await _uploads.CommitAsync(_session, digest, null, cancellationToken);
        }

        _committed = true;
        return (digest, size);
    }

    public async ValueTask DisposeAsync()
    {
        _hash.Dispose();
        if (_session is not null && !_committed) await _uploads.AbandonAsync(_session, CancellationToken.None);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _hash.Append(bytes.Span);
        while (!bytes.IsEmpty)
        {
            // Only when more comes is a full buffer known not to be the whole blob.
            if (_buffered == _limit) await SendBufferAsync(cancellationToken);
            int count = Math.Min(bytes.Length, _limit - _buffered);
            if (_buffered + count > _buffer.Length) Array.Resize(ref _buffer, Math.Min(_limit, Math.Max(_buffered + count, _buffer.Length * 2)));
            bytes.Span[..count].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += count;
            bytes = bytes[count..];
        }
    }

    private async Task SendBufferAsync(CancellationToken cancellationToken)
    {
        if (_session is null)
        {
            (_session, int min) = await _uploads.BeginChunksAsync(_uploads.Target, cancellationToken);
            if (min > MaxChunk)
                throw new KimgException(ErrorCode.RegistryRefused, $"{_uploads.Target}: the registry wants chunks of at least {min} bytes");
            if (min > _limit)
            {
                // Not enough yet for what this registry takes as a chunk.
                _limit = min;
                return;
            }
        }

        _session = await _uploads.SendChunkAsync(_session, _sent, _buffer.AsMemory(0, _buffered), _uploads.Target, cancellationToken);
        _sent += _buffered;
        _buffered = 0;
    }

    private sealed class Sink(BlobUpload upload) : WriteStream
    {
        public override long Length => upload._sent + upload._buffered;

        public override long Position { get => Length; set => throw new NotSupportedException(); }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            upload.WriteAsync(buffer, cancellationToken);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            byte[] block = buffer.ToArray();
            Write(block, 0, block.Length);
        }

        // Compressors write synchronously; there is no synchronisation context to deadlock on.
        public override void Write(byte[] buffer, int offset, int count) =>
            upload.WriteAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();
    }
}
