namespace Kimg.Engine.Native;

/// <summary>zstd, all frames. The library refuses windows above 128 MiB by itself, which bounds the memory.</summary>
internal sealed class ZstdDecoder : IBlockDecoder
{
    private nint _context = Libzstd.ZSTD_createDCtx() is var context and not 0
        ? context
        : throw new InsufficientMemoryException("zstd: no memory for a decompressor");

    ~ZstdDecoder() => Dispose();

    public unsafe (int Consumed, int Produced, bool Complete) Decode(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnded)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        fixed (byte* from = input, to = output)
        {
            var source = new Libzstd.Buffer { Start = from, Size = (nuint)input.Length };
            var target = new Libzstd.Buffer { Start = to, Size = (nuint)output.Length };
            nuint hint = Libzstd.Check(Libzstd.ZSTD_decompressStream(_context, &target, &source));
            return ((int)source.Position, (int)target.Position, hint == 0);
        }
    }

    public void Dispose()
    {
        if (_context != 0) _ = Libzstd.ZSTD_freeDCtx(_context);
        _context = 0;
        GC.SuppressFinalize(this);
    }
}
