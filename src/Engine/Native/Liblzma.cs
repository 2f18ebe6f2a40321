using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Native;

/// <summary>liblzma's decoder of .xz files, all streams, bounded in memory.</summary>
internal sealed unsafe partial class Liblzma : IBlockDecoder
{
    /// <summary><c>xz -9</c> wants 65 MiB to decompress.</summary>
    private const ulong MemoryLimit = 256 << 20;

    private const uint Concatenated = 0x08;
    private const int Run = 0, Finish = 3;
    private const int Ok = 0, StreamEnd = 1, MemoryError = 5, MemoryLimitError = 6, BufferError = 10;

    private LzmaStream* _stream;

    internal Liblzma()
    {
        _stream = (LzmaStream*)NativeMemory.AllocZeroed((nuint)sizeof(LzmaStream));
        int result = lzma_stream_decoder(_stream, MemoryLimit, Concatenated);
        if (result == Ok) return;
        Dispose();
        throw new InsufficientMemoryException($"xz: cannot make a decompressor ({result})");
    }

    ~Liblzma() => Dispose();

    public (int Consumed, int Produced, bool Complete) Decode(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnded)
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        fixed (byte* from = input, to = output)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (nuint)input.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (nuint)output.Length;
            int result = lzma_code(_stream, inputEnded ? Finish : Run);
            (int consumed, int produced) = (input.Length - (int)_stream->AvailableIn, output.Length - (int)_stream->AvailableOut);
            return result switch
            {
                Ok => (consumed, produced, false),
                StreamEnd => (consumed, produced, true),
                // No progress: the input ended too early, which the caller sees.
                BufferError => (consumed, produced, false),
                MemoryLimitError or MemoryError => throw new KimgException(ErrorCode.UnsafeArchive,
                    $"refused xz data that needs more than {MemoryLimit >> 20} MiB of memory") { Hint = "compress it with a smaller dictionary" },
                _ => throw new InvalidDataException($"xz: error {result}"),
            };
        }
    }

    public void Dispose()
    {
        if (_stream != null)
        {
            lzma_end(_stream);
            NativeMemory.Free(_stream);
        }

        _stream = null;
        GC.SuppressFinalize(this);
    }

    [LibraryImport("liblzma")]
    private static partial int lzma_stream_decoder(LzmaStream* stream, ulong memoryLimit, uint flags);

    [LibraryImport("liblzma")]
    private static partial int lzma_code(LzmaStream* stream, int action);

    [LibraryImport("liblzma")]
    private static partial void lzma_end(LzmaStream* stream);

    /// <summary><c>lzma_stream</c> of lzma/base.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LzmaStream
    {
        internal byte* NextIn;
        internal nuint AvailableIn;
        internal ulong TotalIn;
        internal byte* NextOut;
        internal nuint AvailableOut;
        internal ulong TotalOut;
        internal nint Allocator, Internal, Reserved1, Reserved2, Reserved3, Reserved4;
        internal ulong SeekPosition, Reserved5;
        internal nuint Reserved6, Reserved7;
        internal int Reserved8, Reserved9;
    }
}
