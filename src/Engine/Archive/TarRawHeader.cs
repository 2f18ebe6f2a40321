using System.Numerics;

namespace Kimg.Engine.Archive;

/// <summary>The fields of one header block, uninterpreted, numbers decoded.</summary>
internal sealed record TarRawHeader
{
    public required long Offset { get; init; }

    public required byte Type { get; init; }

    public required byte[] Name { get; init; }

    public required byte[] Link { get; init; }

    public required long Mode { get; init; }

    public required long Uid { get; init; }

    public required long Gid { get; init; }

    /// <summary>Bytes of data after the header; never negative.</summary>
    public required long Size { get; init; }

    public required long ModifiedSeconds { get; init; }

    public required long DeviceMajor { get; init; }

    public required long DeviceMinor { get; init; }

    internal static TarRawHeader Parse(ReadOnlySpan<byte> block, long offset)
    {
        (long unsigned, long signed) = TarFormat.Sum(block);
        long expected = Number(block[TarFormat.Checksum], offset, "checksum");
        if (expected != unsigned && expected != signed) throw TarFormat.Damaged(offset, "the checksum of the header is wrong");
        long size = Number(block[TarFormat.Size], offset, "size");
        byte type = block[TarFormat.TypeFlag];
        if (size < 0) throw TarFormat.Damaged(offset, $"negative size {size}");
        bool ustar = block[TarFormat.Magic].SequenceEqual("ustar\0"u8), gnu = block[257..265].SequenceEqual("ustar  \0"u8);
        bool star = ustar && block[508..512].SequenceEqual("tar\0"u8);
        ReadOnlySpan<byte> prefix = ustar ? Text(block[star ? TarFormat.StarPrefix : TarFormat.Prefix]) : [];
        ReadOnlySpan<byte> name = Text(block[TarFormat.Name]);
        bool device = (ustar || gnu) && type is TarFormat.Char or TarFormat.Block;
        return new TarRawHeader
        {
            Offset = offset,
            Type = type,
            Name = prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name],
            Link = Text(block[TarFormat.LinkName]).ToArray(),
            Mode = Number(block[TarFormat.Mode], offset, "mode"),
            Uid = Number(block[TarFormat.Uid], offset, "uid"),
            Gid = Number(block[TarFormat.Gid], offset, "gid"),
            Size = size,
            ModifiedSeconds = Number(block[TarFormat.ModifiedTime], offset, "mtime"),
            DeviceMajor = device ? Number(block[TarFormat.DeviceMajor], offset, "device number") : 0,
            DeviceMinor = device ? Number(block[TarFormat.DeviceMinor], offset, "device number") : 0,
        };
    }

    /// <summary>Octal digits between spaces and NULs, or GNU's base-256: the first byte's high bit set, two's complement.</summary>
    internal static long Number(ReadOnlySpan<byte> field, long offset, string what)
    {
        if ((field[0] & 0x80) != 0)
        {
            byte[] bytes = field.ToArray();
            bytes[0] = (byte)((bytes[0] & 0x40) != 0 ? bytes[0] : bytes[0] & 0x7f);
            var number = new BigInteger(bytes, isUnsigned: false, isBigEndian: true);
            return number >= long.MinValue && number <= long.MaxValue
                ? (long)number
                : throw TarFormat.Damaged(offset, $"the {what} is out of range");
        }

        field = field.Trim(" \0"u8);
        if (field.IndexOf((byte)0) is var end and > 0) field = field[..end].Trim((byte)' ');
        long value = 0;
        foreach (byte digit in field)
        {
            if (digit is < (byte)'0' or > (byte)'7') throw TarFormat.Damaged(offset, $"the {what} is not a number");
            value = (value << 3) + (digit - '0');
        }

        return value;
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field) => field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field;
}
