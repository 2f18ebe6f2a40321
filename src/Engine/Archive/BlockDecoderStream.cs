using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Reads a compressed stream through a native decoder.</summary>
internal sealed class BlockDecoderStream(Stream input, IBlockDecoder decoder) : ReadStream
{
    private readonly byte[] _buffer = new byte[128 * 1024];
    private int _start, _end;
    private bool _inputEnded, _complete;

    public override int Read(Span<byte> buffer)
    {
        int produced;
        while (NeedsInput(buffer, out produced)) Filled(input.Read(_buffer));
        return produced;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int produced;
        while (NeedsInput(buffer.Span, out produced)) Filled(await input.ReadAsync(_buffer, cancellationToken));
        return produced;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            decoder.Dispose();
            input.Dispose();
        }

        base.Dispose(disposing);
    }

    // False: bytes were produced, or the data has ended.
    private bool NeedsInput(Span<byte> output, out int produced)
    {
        produced = 0;
        if (output.IsEmpty) return false;
        while (true)
        {
            if (_start == _end && _inputEnded && _complete) return false;
            (int consumed, produced, bool complete) = decoder.Decode(_buffer.AsSpan(_start, _end - _start), output, _inputEnded);
            _start += consumed;
            _complete = complete || (_complete && consumed == 0 && produced == 0);
            if (produced > 0) return false;
            if (_start == _end && !_inputEnded) return true;
            if (_start == _end && _complete) return false;
            if (consumed == 0) throw new InvalidDataException("the compressed data ends too early");
        }
    }

    private void Filled(int read)
    {
        (_start, _end) = (0, read);
        _inputEnded = read == 0;
    }
}
