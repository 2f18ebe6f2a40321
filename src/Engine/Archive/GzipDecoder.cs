using System.IO.Compression;
using System.Security.Cryptography;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Gzip, all members. .NET's stream takes the end of its input for the end of the data wherever it comes, and says nothing of
/// what follows the last member; so a member with a secret content is put behind the input, and only when that comes out at the end was
/// the input whole. Bytes behind the last member are refused, as Go's reader does.</summary>
internal sealed class GzipDecoder : ReadStream
{
    private const int SealLength = 16;

    private readonly byte[] _seal = RandomNumberGenerator.GetBytes(SealLength);
    private readonly byte[] _buffer = new byte[128 * 1024];
    private readonly GZipStream _gzip;
    private int _start, _end;
    private bool _ended;

    internal GzipDecoder(Stream input) => _gzip = new GZipStream(new SealedInput(input, Member(_seal)), CompressionMode.Decompress);

    public override int Read(Span<byte> buffer)
    {
        while (!_ended && _end - _start <= SealLength) Filled(_gzip.Read(Room()));
        return Take(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_ended && _end - _start <= SealLength)
        {
            Room();
            Filled(await _gzip.ReadAsync(_buffer.AsMemory(_end), cancellationToken));
        }

        return Take(buffer.Span);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _gzip.Dispose();
        base.Dispose(disposing);
    }

    private Span<byte> Room()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        return _buffer.AsSpan(_end);
    }

    private void Filled(int read)
    {
        _end += read;
        if (read > 0) return;
        _ended = true;
        if (_end - _start != SealLength || !_buffer.AsSpan(_start, SealLength).SequenceEqual(_seal))
            throw new InvalidDataException("the gzip data ends too early or something follows it");
    }

    private int Take(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _end - _start - SealLength);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    private static byte[] Member(byte[] content)
    {
        var member = new MemoryStream();
        using (var gzip = new GZipStream(member, CompressionLevel.NoCompression)) gzip.Write(content);
        return member.ToArray();
    }

    private sealed class SealedInput(Stream input, byte[] seal) : ReadStream
    {
        private int _given;
        private bool _inputEnded;

        public override int Read(Span<byte> buffer)
        {
            int read = _inputEnded ? 0 : input.Read(buffer);
            return read > 0 ? read : Seal(buffer);
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = _inputEnded ? 0 : await input.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : Seal(buffer.Span);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) input.Dispose();
            base.Dispose(disposing);
        }

        private int Seal(Span<byte> buffer)
        {
            _inputEnded = true;
            int count = Math.Min(buffer.Length, seal.Length - _given);
            seal.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}
