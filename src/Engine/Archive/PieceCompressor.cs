using System.Buffers;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Compresses in parallel: the input is cut into pieces of fixed size, every piece is compressed by itself, on several threads, and the
/// results are written in order. Both formats allow it: a gzip file is a sequence of members (RFC 1952, 2.2), a zstd file a sequence of frames
/// (RFC 8878, 3). What is written depends on the input only, not on the number of threads, the writes or the flushes.</summary>
internal sealed class PieceCompressor(Stream output, PieceFormat format, int level, bool leaveOpen) : WriteStream
{
    private const int FirstBuffer = 64 * 1024;

    private static readonly int s_inFlight = Math.Clamp(Environment.ProcessorCount, 2, 16);

    private readonly Queue<Task<ArraySegment<byte>>> _pieces = new();
    private byte[] _piece = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private int _filled;
    private bool _any, _finished;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_filled == format.PieceSize) Enqueue();
            int count = Math.Min(buffer.Length, format.PieceSize - _filled);
            if (_filled + count > _piece.Length) Grow(_filled + count);
            buffer[..count].CopyTo(_piece.AsSpan(_filled));
            _filled += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Does nothing: where pieces end must not depend on flushes.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_finished)
        {
            _finished = true;
            while (_pieces.Count > 0) WriteOldest();
            if (_filled > 0 || !_any) WriteOut(format.Compress(_piece.AsMemory(0, _filled), level));
            ArrayPool<byte>.Shared.Return(_piece);
            if (!leaveOpen) output.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Enqueue()
    {
        if (_pieces.Count == s_inFlight) WriteOldest();
        (byte[] piece, int filled) = (_piece, _filled);
        _pieces.Enqueue(Task.Run(() =>
        {
            ArraySegment<byte> packed = format.Compress(piece.AsMemory(0, filled), level);
            ArrayPool<byte>.Shared.Return(piece);
            return packed;
        }));
        (_piece, _filled, _any) = (ArrayPool<byte>.Shared.Rent(format.PieceSize), 0, true);
    }

    // Waits for a task of the pool: one that has not been started yet runs here, so this cannot deadlock on a full pool.
    private void WriteOldest() => WriteOut(_pieces.Dequeue().GetAwaiter().GetResult());

    private void WriteOut(ArraySegment<byte> packed)
    {
        output.Write(packed);
        ArrayPool<byte>.Shared.Return(packed.Array!);
    }

    private void Grow(int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(format.PieceSize, Math.Max(needed, _piece.Length * 4)));
        _piece.AsSpan(0, _filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_piece);
        _piece = larger;
    }
}
