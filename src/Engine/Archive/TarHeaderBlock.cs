using System.Text;

namespace Kimg.Engine.Archive;

/// <summary>Formats one 512-byte header in a buffer that is used again for the next.</summary>
internal sealed class TarHeaderBlock
{
    private readonly byte[] _block = new byte[TarFormat.BlockSize];

    /// <summary>The header of an entry. With an extended header in front of it, fields that do not fit are cut or zero, as Go writes them.</summary>
    internal ReadOnlySpan<byte> Main(TarEntry entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link)
    {
        Span<byte> block = _block;
        block.Clear();
        if (!PaxRecords.Needed(entry, name, link) && UstarSplit(name) is var split and > 0)
        {
            name[..split].CopyTo(block[TarFormat.Prefix]);
            name[(split + 1)..].CopyTo(block[TarFormat.Name]);
        }
        else
        {
            PutText(block[TarFormat.Name], name);
        }

        PutText(block[TarFormat.LinkName], link);
        PutOctal(block[TarFormat.Mode], entry.Mode);
        PutOctal(block[TarFormat.Uid], entry.Uid);
        PutOctal(block[TarFormat.Gid], entry.Gid);
        PutOctal(block[TarFormat.Size], entry.Size);
        PutOctal(block[TarFormat.ModifiedTime], entry.ModifiedSeconds);
        PutOctal(block[TarFormat.DeviceMajor], entry.DeviceMajor);
        PutOctal(block[TarFormat.DeviceMinor], entry.DeviceMinor);
        return Complete(entry.Type switch
        {
            EntryType.Directory => TarFormat.Directory,
            EntryType.Symlink => TarFormat.Symlink,
            EntryType.HardLink => TarFormat.Link,
            EntryType.CharDevice => TarFormat.Char,
            EntryType.BlockDevice => TarFormat.Block,
            EntryType.Fifo => TarFormat.Fifo,
            _ => TarFormat.Regular,
        });
    }

    /// <summary>The header of the extended header that precedes the entry <paramref name="name"/>: <c>dir/PaxHeaders.0/base</c>.</summary>
    internal ReadOnlySpan<byte> Extended(ReadOnlySpan<byte> name, int size)
    {
        Span<byte> block = _block;
        block.Clear();
        int slash = name.LastIndexOf((byte)'/');
        byte[] full = [.. name[..(slash + 1)], .. "PaxHeaders.0/"u8, .. name[(slash + 1)..]];
        Span<byte> ascii = full.AsSpan(0, ToAscii(full, full));
        PutText(block[TarFormat.Name], ascii[..Math.Min(ascii.Length, 100)].TrimEnd((byte)'/'));
        PutOctal(block[TarFormat.Mode], 0);
        PutOctal(block[TarFormat.Uid], 0);
        PutOctal(block[TarFormat.Gid], 0);
        PutOctal(block[TarFormat.Size], size);
        PutOctal(block[TarFormat.ModifiedTime], 0);
        return Complete(TarFormat.PaxLocal);
    }

    /// <summary>Position of the slash at which a name of more than 100 bytes is divided into prefix and name, or 0 when it cannot be.</summary>
    internal static int UstarSplit(ReadOnlySpan<byte> name)
    {
        if (name.Length <= 100 || !Ascii.IsValid(name)) return 0;
        int length = name.Length > 156 ? 156 : name[^1] == '/' ? name.Length - 1 : name.Length;
        int slash = name[..length].LastIndexOf((byte)'/');
        int rest = name.Length - slash - 1;
        return slash <= 0 || slash > 155 || rest is 0 or > 100 ? 0 : slash;
    }

    /// <summary>True when the number can be written as octal digits with a final NUL in a field of this width.</summary>
    internal static bool FitsOctal(long value, int width) => value >= 0 && value < 1L << ((width - 1) * 3);

    private ReadOnlySpan<byte> Complete(byte type)
    {
        Span<byte> block = _block;
        block[TarFormat.TypeFlag] = type;
        "ustar\0"u8.CopyTo(block[TarFormat.Magic]);
        "00"u8.CopyTo(block[TarFormat.Version]);
        PutOctal(block[148..155], TarFormat.Sum(block).Unsigned);
        block[155] = (byte)' ';
        return block;
    }

    private static void PutText(Span<byte> field, ReadOnlySpan<byte> text)
    {
        Span<byte> ascii = text.Length <= 1024 ? stackalloc byte[text.Length] : new byte[text.Length];
        int length = ToAscii(text, ascii);
        ascii = ascii[..Math.Min(length, field.Length)];
        // Readers of the oldest format take a name that ends in a slash for a directory: a cut must not make one.
        if (length > field.Length) ascii = ascii.TrimEnd((byte)'/');
        ascii.CopyTo(field);
    }

    private static int ToAscii(ReadOnlySpan<byte> text, Span<byte> ascii)
    {
        int length = 0;
        foreach (byte b in text)
            if (b < 0x80) ascii[length++] = b;
        return length;
    }

    private static void PutOctal(Span<byte> field, long value)
    {
        if (!FitsOctal(value, field.Length)) value = 0;
        field[^1] = 0;
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3) field[i] = (byte)('0' + (value & 7));
    }
}
