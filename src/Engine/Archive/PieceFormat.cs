using System.Buffers;
using System.IO.Compression;
using Kimg.Engine.Native;

namespace Kimg.Engine.Archive;

/// <summary>A format in which compressed pieces may be put one after the other.</summary>
/// <param name="PieceSize">Bytes of input in a piece; part of the format kimg writes: another size makes other layer digests.</param>
internal abstract record PieceFormat(int PieceSize)
{
    internal static readonly PieceFormat Gzip = new GzipMembers(), Zstd = new ZstdFrames();

    /// <summary>The compressed piece in an array rented from the shared pool.</summary>
    internal abstract ArraySegment<byte> Compress(ReadOnlyMemory<byte> piece, int level);

    private sealed record GzipMembers() : PieceFormat(1 << 20)
    {
        internal override ArraySegment<byte> Compress(ReadOnlyMemory<byte> piece, int level)
        {
            // Of what cannot be compressed deflate makes at most 9 bits a byte (zlib-ng's level 1 stores nothing), gzip adds 18 bytes.
            byte[] member = ArrayPool<byte>.Shared.Rent(piece.Length + (piece.Length >> 3) + 256);
            using var output = new MemoryStream(member);
            using (var gzip = new GZipStream(output, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true)) gzip.Write(piece.Span);
            // Without input .NET writes nothing; every client wants a member.
            if (output.Position == 0) output.Write([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            // Byte 8 tells the level, byte 9 the operating system: 0 and "unknown", as Go writes them.
            (member[8], member[9]) = (0, 0xff);
            return new ArraySegment<byte>(member, 0, (int)output.Position);
        }
    }

    private sealed record ZstdFrames() : PieceFormat(4 << 20)
    {
        internal override ArraySegment<byte> Compress(ReadOnlyMemory<byte> piece, int level)
        {
            byte[] frame = ArrayPool<byte>.Shared.Rent(Libzstd.Bound(piece.Length));
            return new ArraySegment<byte>(frame, 0, Libzstd.Compress(piece.Span, frame, level));
        }
    }
}
