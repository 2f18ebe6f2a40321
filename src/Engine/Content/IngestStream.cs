using System.Buffers;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Content;

/// <summary>Writes a file and computes its digest in the same pass. Small writes are gathered, so hash and file see blocks. Writes are synchronous:
/// on Linux a file write only moves memory.</summary>
internal sealed class IngestStream(SafeFileHandle file, string path) : WriteStream
{
    private const int BlockSize = 128 * 1024;
    private readonly ContentHash _hash = new();
    private byte[]? _block = ArrayPool<byte>.Shared.Rent(BlockSize);
    private int _filled;
    private long _written;

    public override bool CanWrite => _block is not null;

    public override long Length => _written + _filled;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_block is null, this);
        if (_filled + buffer.Length > BlockSize) WriteBlock();
        if (buffer.Length >= BlockSize)
        {
            WriteThrough(buffer);
            return;
        }

        buffer.CopyTo(_block.AsSpan(_filled));
        _filled += buffer.Length;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <summary>Writes out what was gathered. Nothing else may be written afterwards.</summary>
    public (Digest Digest, long Size) Finish()
    {
        ObjectDisposedException.ThrowIf(_block is null, this);
        WriteBlock();
        Digest digest = _hash.Finish();
        Release();
        return (digest, _written);
    }

    /// <summary>The digest of the finished file in another algorithm; reads it again.</summary>
    public Digest Rehash(string algorithm)
    {
        using var hash = new ContentHash(algorithm);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockSize);
        for (long offset = 0; RandomAccess.Read(file, buffer, offset) is > 0 and var read; offset += read) hash.Append(buffer.AsSpan(0, read));
        ArrayPool<byte>.Shared.Return(buffer);
        return hash.Finish();
    }

    /// <summary>Gives the buffer back. Not done by Dispose: compressors close what they write to, and that does not end the ingest.</summary>
    public void Release()
    {
        if (_block is null) return;
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
        _hash.Dispose();
    }

    private void WriteBlock()
    {
        if (_filled == 0) return;
        int filled = _filled;
        _filled = 0;
        WriteThrough(_block.AsSpan(0, filled));
    }

    private void WriteThrough(ReadOnlySpan<byte> bytes)
    {
        _hash.Append(bytes);
        try
        {
            RandomAccess.Write(file, bytes, _written);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, path, _written + bytes.Length);
        }

        _written += bytes.Length;
    }
}
