namespace Kimg.Engine.Tests.Archive;

/// <summary>So many zeros.</summary>
internal sealed class ZeroStream(long length) : MemoryStream
{
    private long _left = length;

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, _left);
        buffer[..count].Clear();
        _left -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
}

/// <summary>Keeps the first 4 KiB and counts the rest.</summary>
internal sealed class DiscardingStream : MemoryStream
{
    internal byte[] Head { get; } = new byte[4096];

    internal long Count { get; private set; }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (Count < Head.Length) buffer[..(int)Math.Min(buffer.Length, Head.Length - Count)].CopyTo(Head.AsSpan((int)Count));
        Count += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
}

/// <summary>Gives at most a few bytes at a time, as a network does.</summary>
internal sealed class TricklingStream(Stream inner, int most) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get; set; }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, most));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
