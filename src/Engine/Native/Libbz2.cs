using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>libbz2's decoder, all streams. A stream needs less than 4 MiB.</summary>
internal sealed unsafe partial class Libbz2 : IBlockDecoder
{
    private const int Ok = 0, StreamEnd = 4;

    private BzStream* _stream;
    private bool _between;

    internal Libbz2()
    {
        _stream = (BzStream*)NativeMemory.AllocZeroed((nuint)sizeof(BzStream));
        Begin();
    }

    ~Libbz2() => Dispose();

    public (int Consumed, int Produced, bool Complete) Decode(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnded)
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        if (_between)
        {
            if (input.IsEmpty) return (0, 0, true);
            _ = BZ2_bzDecompressEnd(_stream);
            Begin();
        }

        fixed (byte* from = input, to = output)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (uint)output.Length;
            int result = BZ2_bzDecompress(_stream);
            if (result is not (Ok or StreamEnd)) throw new InvalidDataException($"bzip2: error {result}");
            _between = result == StreamEnd;
            return (input.Length - (int)_stream->AvailableIn, output.Length - (int)_stream->AvailableOut, _between);
        }
    }

    public void Dispose()
    {
        if (_stream != null)
        {
            _ = BZ2_bzDecompressEnd(_stream);
            NativeMemory.Free(_stream);
        }

        _stream = null;
        GC.SuppressFinalize(this);
    }

    private void Begin()
    {
        int result = BZ2_bzDecompressInit(_stream, 0, 0);
        _between = false;
        if (result != Ok) throw new InsufficientMemoryException($"bzip2: cannot make a decompressor ({result})");
    }

    [LibraryImport("libbz2")]
    private static partial int BZ2_bzDecompressInit(BzStream* stream, int verbosity, int small);

    [LibraryImport("libbz2")]
    private static partial int BZ2_bzDecompress(BzStream* stream);

    [LibraryImport("libbz2")]
    private static partial int BZ2_bzDecompressEnd(BzStream* stream);

    /// <summary><c>bz_stream</c> of bzlib.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct BzStream
    {
        internal byte* NextIn;
        internal uint AvailableIn, TotalInLow, TotalInHigh;
        internal byte* NextOut;
        internal uint AvailableOut, TotalOutLow, TotalOutHigh;
        internal nint State, Allocate, Free, Opaque;
    }
}
