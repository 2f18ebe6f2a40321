using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>libzstd: the parts of its stable interface that are needed.</summary>
internal static partial class Libzstd
{
    private const int CompressionLevelParameter = 100, ChecksumFlagParameter = 201;

    /// <summary>Largest size of a frame of so many bytes.</summary>
    internal static int Bound(int length) => checked((int)ZSTD_compressBound((nuint)length));

    /// <summary>Compresses into one frame with a checksum; returns its length. Same library version, same bytes.</summary>
    internal static unsafe int Compress(ReadOnlySpan<byte> input, Span<byte> output, int level)
    {
        nint context = ZSTD_createCCtx();
        if (context == 0) throw new InsufficientMemoryException("zstd: no memory for a compressor");
        try
        {
            Check(ZSTD_CCtx_setParameter(context, CompressionLevelParameter, level));
            Check(ZSTD_CCtx_setParameter(context, ChecksumFlagParameter, 1));
            fixed (byte* from = input, to = output)
                return (int)Check(ZSTD_compress2(context, to, (nuint)output.Length, from, (nuint)input.Length));
        }
        finally
        {
            _ = ZSTD_freeCCtx(context);
        }
    }

    internal static nuint Check(nuint result) => ZSTD_isError(result) == 0
        ? result
        : throw new InvalidDataException("zstd: " + Marshal.PtrToStringUTF8(ZSTD_getErrorName(result)));

    [LibraryImport("libzstd")]
    internal static partial nint ZSTD_createDCtx();

    [LibraryImport("libzstd")]
    internal static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport("libzstd")]
    internal static unsafe partial nuint ZSTD_decompressStream(nint context, Buffer* output, Buffer* input);

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_compressBound(nuint length);

    [LibraryImport("libzstd")]
    private static partial nint ZSTD_createCCtx();

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport("libzstd")]
    private static partial nuint ZSTD_CCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport("libzstd")]
    private static unsafe partial nuint ZSTD_compress2(nint context, byte* output, nuint capacity, byte* input, nuint length);

    [LibraryImport("libzstd")]
    private static partial uint ZSTD_isError(nuint code);

    [LibraryImport("libzstd")]
    private static partial nint ZSTD_getErrorName(nuint code);

    /// <summary><c>ZSTD_inBuffer</c> and <c>ZSTD_outBuffer</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct Buffer
    {
        internal byte* Start;
        internal nuint Size, Position;
    }
}
