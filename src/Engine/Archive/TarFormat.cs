using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Names and field positions of the tar header (POSIX.1-2001 pax; GNU tar's and star's extensions) and of layer whiteouts (OCI
/// image-spec, layer.md).</summary>
internal static class TarFormat
{
    internal const int BlockSize = 512;

    /// <summary>Limit of one extended header, long name or sparse map, as in Go's archive/tar.</summary>
    internal const int MaxSpecialSize = 1 << 20;

    internal const string WhiteoutPrefix = ".wh.";
    internal const string WhiteoutMetaPrefix = ".wh..wh.";
    internal const string OpaqueMarker = ".wh..wh..opq";
    internal const string XattrRecord = "SCHILY.xattr.";
    internal const string LibarchiveXattrRecord = "LIBARCHIVE.xattr.";

    internal static readonly Range Name = 0..100, Mode = 100..108, Uid = 108..116, Gid = 116..124, Size = 124..136, ModifiedTime = 136..148,
        Checksum = 148..156, LinkName = 157..257, Magic = 257..263, Version = 263..265, DeviceMajor = 329..337, DeviceMinor = 337..345,
        Prefix = 345..500, StarPrefix = 345..476;

    internal const int TypeFlag = 156;

    internal const byte RegularV7 = 0, Regular = (byte)'0', Link = (byte)'1', Symlink = (byte)'2', Char = (byte)'3', Block = (byte)'4',
        Directory = (byte)'5', Fifo = (byte)'6', Contiguous = (byte)'7', PaxLocal = (byte)'x', PaxGlobal = (byte)'g',
        GnuLongName = (byte)'L', GnuLongLink = (byte)'K', GnuSparse = (byte)'S', GnuVolume = (byte)'V';

    /// <summary>Sum of the header's bytes with its checksum field taken as spaces; old writers added them as signed.</summary>
    internal static (long Unsigned, long Signed) Sum(ReadOnlySpan<byte> block)
    {
        long unsigned = 0, signed = 0;
        for (int i = 0; i < block.Length; i++)
        {
            byte b = i is >= 148 and < 156 ? (byte)' ' : block[i];
            unsigned += b;
            signed += (sbyte)b;
        }

        return (unsigned, signed);
    }

    /// <summary>Bytes from <paramref name="size"/> up to the next block.</summary>
    internal static int Padding(long size) => (int)(-size & (BlockSize - 1));

    internal static KimgException Damaged(long offset, string what) =>
        new(ErrorCode.UnsafeArchive, $"bad tar at byte {offset}: {what}") { Hint = "the archive is damaged or is not a tar archive" };

    internal static KimgException Unsafe(long offset, string what) =>
        new(ErrorCode.UnsafeArchive, $"refused tar entry at byte {offset}: {what}")
        {
            Hint = "the archive would write outside of its directory or needs more than kimg allows; make it again with a trusted tool",
        };
}
