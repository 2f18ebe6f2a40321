using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>The content of an extended header: lines <c>length key=value</c>, sorted by key.</summary>
internal static class PaxRecords
{
    /// <summary>True when a field does not fit the ustar header (a long name that can be split does).</summary>
    internal static bool Needed(TarEntry entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link) =>
        (NeedsText(name) && TarHeaderBlock.UstarSplit(name) == 0)
        || NeedsText(link)
        || !TarHeaderBlock.FitsOctal(entry.Size, 12)
        || !TarHeaderBlock.FitsOctal(entry.Uid, 8)
        || !TarHeaderBlock.FitsOctal(entry.Gid, 8)
        || !TarHeaderBlock.FitsOctal(entry.ModifiedSeconds, 12)
        || entry.Xattrs is { IsEmpty: false };

    /// <summary>The records, or null when none is needed.</summary>
    internal static byte[]? For(TarEntry entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link)
    {
        if (!Needed(entry, name, link)) return null;
        using var records = new MemoryStream();
        foreach (string attribute in entry.Xattrs?.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())
            Add(records, TarFormat.XattrRecord + attribute, entry.Xattrs![attribute].AsSpan());
        AddNumber(records, "gid", entry.Gid, 8);
        if (NeedsText(link)) Add(records, "linkpath", link);
        AddNumber(records, "mtime", entry.ModifiedSeconds, 12);
        if (NeedsText(name)) Add(records, "path", name);
        AddNumber(records, "size", entry.Size, 12);
        AddNumber(records, "uid", entry.Uid, 8);
        return records.ToArray();
    }

    private static bool NeedsText(ReadOnlySpan<byte> text) => text.Length > 100 || !Ascii.IsValid(text);

    private static void AddNumber(MemoryStream records, string key, long value, int width)
    {
        if (!TarHeaderBlock.FitsOctal(value, width)) Add(records, key, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
    }

    // The length counts itself: one more digit may make it longer by one again.
    private static void Add(MemoryStream records, string key, ReadOnlySpan<byte> value)
    {
        if (key.Contains('='))
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"a tar cannot hold the extended attribute '{key}'")
            {
                Hint = "remove the attribute: a '=' in its name ends the name in a tar",
            };
        }

        byte[] keyBytes = PathText.Encode(key);
        int rest = keyBytes.Length + value.Length + 3, length = rest + Digits(rest);
        length = rest + Digits(length);
        records.Write(Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)));
        records.Write(" "u8);
        records.Write(keyBytes);
        records.Write("="u8);
        records.Write(value);
        records.Write("\n"u8);
    }

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
}
