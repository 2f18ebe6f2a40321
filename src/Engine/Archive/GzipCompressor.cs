using System.IO.Compression;

namespace Kimg.Engine.Archive;

/// <summary>Gzip in parallel: the input is cut into pieces of fixed size and every piece becomes a gzip member of its own (RFC 1952, 2.2: a
/// file is a sequence of members), compressed on several threads and written in order. Output does not depend on how many.</summary>
internal sealed class GzipCompressor(Stream output, int level, bool leaveOpen) : Stream
{
    /// <summary>Set by measurement: see bench/notes/codecs.md.</summary>
    internal const int DefaultLevel = 6;

    internal const int PieceSize = 1 << 20;

    private static readonly int s_inFlight = Math.Clamp(Environment.ProcessorCount, 2, 16);

    private readonly Queue<Task<MemoryStream>> _pieces = new();
    private byte[] _piece = new byte[64 * 1024];
    private int _filled;
    private bool _any, _finished;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_filled == PieceSize) Enqueue();
            int count = Math.Min(buffer.Length, PieceSize - _filled);
            if (_filled + count > _piece.Length) Array.Resize(ref _piece, Math.Min(PieceSize, Math.Max(_filled + count, _piece.Length * 4)));
            buffer[..count].CopyTo(_piece.AsSpan(_filled));
            _filled += count;
            buffer = buffer[count..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Does nothing: where members end must not depend on flushes.</summary>
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_finished)
        {
            _finished = true;
            while (_pieces.Count > 0) WriteOldest();
            if (_filled > 0 || !_any) output.Write(Deflate(_piece, _filled, level).WrittenSpan());
            if (!leaveOpen) output.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Enqueue()
    {
        (byte[] piece, int filled) = (_piece, _filled);
        if (_pieces.Count == s_inFlight) WriteOldest();
        _pieces.Enqueue(Task.Run(() => Deflate(piece, filled, level)));
        (_piece, _filled, _any) = (new byte[PieceSize], 0, true);
    }

    // Waits for a task of the pool: one that has not been started yet runs here, so this cannot deadlock on a full pool.
    private void WriteOldest() => output.Write(_pieces.Dequeue().GetAwaiter().GetResult().WrittenSpan());

    private static MemoryStream Deflate(byte[] piece, int length, int level)
    {
        var member = new MemoryStream(length / 2 + 64);
        using (var gzip = new GZipStream(member, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
            gzip.Write(piece, 0, length);
        // An empty write makes no member in .NET; every client wants one.
        if (length == 0) member.Write([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        // Byte 8 tells the level, byte 9 the operating system: as Go writes them, 0 and "unknown".
        (member.GetBuffer()[8], member.GetBuffer()[9]) = (0, 0xff);
        return member;
    }
}

internal static class MemoryStreamSpan
{
    internal static ReadOnlySpan<byte> WrittenSpan(this MemoryStream stream) => stream.GetBuffer().AsSpan(0, (int)stream.Length);
}
