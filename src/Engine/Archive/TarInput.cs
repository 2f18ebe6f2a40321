using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>The archive's bytes with their offset. An input that ends too early is an error that says where.</summary>
internal sealed class TarInput(Stream input)
{
    private byte[]? _scratch;

    public long Position { get; private set; }

    /// <summary>False at the end of the input exactly.</summary>
    public bool TryReadBlock(byte[] block)
    {
        int read = input.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
        Position += read;
        if (read == 0) return false;
        return read == block.Length ? true : throw Truncated();
    }

    public void ReadExactly(Span<byte> buffer)
    {
        int read = input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        Position += read;
        if (read != buffer.Length) throw Truncated();
    }

    public int ReadSome(Span<byte> buffer)
    {
        int read = input.Read(buffer);
        Position += read;
        return read == 0 && !buffer.IsEmpty ? throw Truncated() : read;
    }

    public void SkipTo(long position)
    {
        if (input.CanSeek && position - Position > TarFormat.BlockSize)
        {
            long target = input.Position + position - Position;
            if (target > input.Length) throw Truncated();
            input.Position = target;
            Position = position;
            return;
        }

        while (Position < position)
        {
            _scratch ??= new byte[64 * 1024];
            ReadExactly(_scratch.AsSpan(0, (int)Math.Min(_scratch.Length, position - Position)));
        }
    }

    private KimgException Truncated() => TarFormat.Damaged(Position, "the archive ends in the middle of an entry");
}
