using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>The bytes of one file inside a tar: exactly as many as its entry says, holes as zeros.</summary>
internal sealed class TarContent(TarInput input, long stored, SparseMap? map) : ReadStream
{
    private readonly long _length = map?.Size ?? stored;
    private readonly long _end = input.Position + stored;
    private long _position;
    private int _region;

    public override long Length => _length;

    public override long Position { get => _position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        buffer = buffer[..(int)Math.Min(buffer.Length, _length - _position)];
        if (buffer.IsEmpty) return 0;
        int read = map is null ? input.ReadSome(Stored(buffer)) : ReadSparse(buffer, map);
        _position += read;
        return read;
    }

    private int ReadSparse(Span<byte> buffer, SparseMap sparse)
    {
        while (_region < sparse.Regions.Length && sparse.Regions[_region] is var done && _position >= done.Offset + done.Length) _region++;
        SparseRegion next = _region < sparse.Regions.Length ? sparse.Regions[_region] : new(_length, 0);
        if (_position >= next.Offset && next.Length > 0)
            return input.ReadSome(Stored(buffer[..(int)Math.Min(buffer.Length, next.Offset + next.Length - _position)]));
        buffer = buffer[..(int)Math.Min(buffer.Length, next.Offset - _position)];
        buffer.Clear();
        return buffer.Length;
    }

    // A reader kept beyond its entry must not eat the next one's header.
    private Span<byte> Stored(Span<byte> buffer) => input.Position + buffer.Length <= _end
        ? buffer
        : throw new InvalidOperationException("the content of a tar entry was read after the next entry");
}
