using System.Diagnostics;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Compression of layers and archives. What is written depends on the bytes, the codec and the level only: not on the number of
/// cores or the sizes of the writes. What is read is told by its first bytes, never by a name or media type; how much may come out of a little
/// is the caller's to bound.</summary>
internal static class Codec
{
    /// <summary>Bytes <see cref="Detect"/> wants to see.</summary>
    internal const int MagicLength = 6;

    /// <summary>Chosen by measurement: bench/codecs.md.</summary>
    internal const int DefaultGzipLevel = 5, DefaultZstdLevel = 3;

    /// <summary>A stream that compresses what is written to it. Dispose ends the format properly; an exception on the way
    /// must not be followed by using the output.</summary>
    /// <param name="level">The codec's own scale (gzip 0–9, zstd 1–22); null: the default.</param>
    internal static Stream Compress(Stream output, Compression compression, int? level, bool leaveOpen) => compression switch
    {
        Compression.None => new PassThroughStream(output, leaveOpen),
        Compression.Gzip => new PieceCompressor(output, PieceFormat.Gzip, CheckLevel(level, 0, 9, "gzip") ?? DefaultGzipLevel, leaveOpen),
        Compression.Zstd => new PieceCompressor(output, PieceFormat.Zstd, CheckLevel(level, 1, 22, "zstd") ?? DefaultZstdLevel, leaveOpen),
        _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"cannot write compression '{compression}'")
        {
            Hint = "gzip, zstd and none can be written",
        },
    };

    /// <summary>What the bytes are compressed with by their magic number; <see cref="Compression.None"/> when by nothing known.</summary>
    internal static Compression Detect(ReadOnlySpan<byte> head) =>
        head.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b, 0x08]) ? Compression.Gzip
        : head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd]) ? Compression.Zstd
        : head.StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]) ? Compression.Xz
        : head.StartsWith("BZh"u8) ? Compression.Bzip2
        : Compression.None;

    /// <summary>A stream of the decompressed bytes; looks at the first bytes now. Damaged input is a <see cref="KimgException"/> (UnsafeArchive).</summary>
    internal static Stream Decompress(Stream input, bool leaveOpen = false) => Decompress(input, out _, leaveOpen);

    internal static Stream Decompress(Stream input, out Compression compression, bool leaveOpen = false)
    {
        var head = new byte[MagicLength];
        int read = input.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        compression = Detect(head.AsSpan(0, read));
        return Decoder(new PrefixedStream(head.AsMemory(0, read), input, leaveOpen), compression);
    }

    internal static async Task<Stream> DecompressAsync(Stream input, bool leaveOpen, CancellationToken cancellationToken)
    {
        var head = new byte[MagicLength];
        int read = await input.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        return Decoder(new PrefixedStream(head.AsMemory(0, read), input, leaveOpen), Detect(head.AsSpan(0, read)));
    }

    private static Stream Decoder(PrefixedStream input, Compression compression) => compression switch
    {
        Compression.None => input,
        Compression.Gzip => new DecoderStream(new GzipDecoder(input), "gzip"),
        Compression.Zstd => new DecoderStream(new BlockDecoderStream(input, new ZstdDecoder()), "zstd"),
        Compression.Xz => new DecoderStream(new BlockDecoderStream(input, new Liblzma()), "xz"),
        Compression.Bzip2 => new DecoderStream(new BlockDecoderStream(input, new Libbz2()), "bzip2"),
        _ => throw new UnreachableException(),
    };

    private static int? CheckLevel(int? level, int lowest, int highest, string codec) =>
        level is null || (level >= lowest && level <= highest) ? level : throw new KimgException(ErrorCode.InvalidOutput,
            $"compression level '{level}' of {codec} is not between {lowest} and {highest}")
        { Hint = "leave compression-level out for the default" };
}
