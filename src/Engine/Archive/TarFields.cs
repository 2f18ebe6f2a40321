using System.Collections.Immutable;
using System.Text;

namespace Kimg.Engine.Archive;

/// <summary>An entry's fields after the extended headers in front of it were applied.</summary>
internal sealed record TarFields
{
    public required EntryType Type { get; init; }

    public required byte[] Path { get; init; }

    public required byte[] Link { get; init; }

    public required int Mode { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>Bytes of data in the archive, a sparse file's map included when it is there.</summary>
    public required long StoredSize { get; init; }

    public required long ModifiedSeconds { get; init; }

    public required uint DeviceMajor { get; init; }

    public required uint DeviceMinor { get; init; }

    public ImmutableSortedDictionary<string, ImmutableArray<byte>>? Xattrs { get; init; }

    /// <summary>The records of pax's sparse formats, or null.</summary>
    public PaxHeader? Sparse { get; init; }

    /// <summary>Pax sparse format 1.0: the map precedes the data.</summary>
    public bool SparseMapInData { get; init; }

    /// <summary>Fields from the header, replaced by global records, these by local ones; an empty local record gives the header's back.</summary>
    internal static TarFields Merge(TarRawHeader raw, PaxHeader global, PaxHeader local, byte[]? longName, byte[]? longLink)
    {
        long offset = raw.Offset;
        byte[] path = Text("path") ?? longName ?? raw.Name;
        EntryType type = TypeOf(raw, path);
        bool mapInData = Ascii(local["GNU.sparse.major"]) == "1" && Ascii(local["GNU.sparse.minor"]) == "0";
        bool sparse = type == EntryType.File && (mapInData || local.Sparse00.Count > 0 || local["GNU.sparse.map"] is { Length: > 0 });
        bool device = type is EntryType.CharDevice or EntryType.BlockDevice;
        return new TarFields
        {
            Type = type,
            Path = sparse && local["GNU.sparse.name"] is { Length: > 0 } real ? real : path,
            Link = Text("linkpath") ?? longLink ?? raw.Link,
            Mode = (int)(raw.Mode & 0xFFF),
            Uid = Id(Number("uid") ?? raw.Uid, "uid"),
            Gid = Id(Number("gid") ?? raw.Gid, "gid"),
            StoredSize = Number("size") is var size and not null ? size.Value : raw.Size,
            ModifiedSeconds = Number("mtime") ?? raw.ModifiedSeconds,
            DeviceMajor = device ? Id(raw.DeviceMajor, "device number") : 0,
            DeviceMinor = device ? Id(raw.DeviceMinor, "device number") : 0,
            Xattrs = ReadXattrs(global, local, offset),
            Sparse = sparse ? local : null,
            SparseMapInData = sparse && mapInData,
        };

        byte[]? Text(string key) => (local[key] ?? global[key]) is { Length: > 0 } text ? text : null;
        long? Number(string key) => Text(key) is null ? null : (local[key] is null ? global : local).Number(key, offset);
        uint Id(long value, string what) =>
            value is >= 0 and <= uint.MaxValue ? (uint)value : throw TarFormat.Unsafe(offset, $"{what} {value} is out of range");
    }

    private static EntryType TypeOf(TarRawHeader raw, byte[] path) => raw.Type switch
    {
        // Before POSIX there was no type for directories: the name ends in a slash.
        TarFormat.RegularV7 when path.AsSpan().EndsWith("/"u8) => EntryType.Directory,
        TarFormat.RegularV7 or TarFormat.Regular or TarFormat.Contiguous or TarFormat.GnuSparse => EntryType.File,
        TarFormat.Link => EntryType.HardLink,
        TarFormat.Symlink => EntryType.Symlink,
        TarFormat.Char => EntryType.CharDevice,
        TarFormat.Block => EntryType.BlockDevice,
        TarFormat.Directory => EntryType.Directory,
        TarFormat.Fifo => EntryType.Fifo,
        _ => throw TarFormat.Unsafe(raw.Offset, $"unknown type 0x{raw.Type:x2}"),
    };

    private static ImmutableSortedDictionary<string, ImmutableArray<byte>>? ReadXattrs(PaxHeader global, PaxHeader local, long offset)
    {
        ImmutableSortedDictionary<string, ImmutableArray<byte>>.Builder? xattrs = null;
        foreach ((string key, byte[] value) in global.Records.Where(r => local[r.Key] is null).Concat(local.Records))
        {
            (string? name, byte[] bytes) = key switch
            {
                _ when key.StartsWith(TarFormat.XattrRecord, StringComparison.Ordinal) => (key[TarFormat.XattrRecord.Length..], value),
                _ when key.StartsWith(TarFormat.LibarchiveXattrRecord, StringComparison.Ordinal) => FromLibarchive(key, value, offset),
                _ => (null, value),
            };
            if (name is null) continue;
            if (name.Length == 0 || name.Contains('\0')) throw TarFormat.Damaged(offset, "an extended attribute without a name");
            xattrs ??= ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<byte>>(StringComparer.Ordinal);
            // libarchive writes both forms of one attribute; they say the same.
            if (key.StartsWith(TarFormat.XattrRecord, StringComparison.Ordinal)) xattrs[name] = [.. bytes];
            else xattrs.TryAdd(name, [.. bytes]);
        }

        return xattrs?.ToImmutable();
    }

    // The name is percent-encoded, the value base64 without padding.
    private static (string Name, byte[] Value) FromLibarchive(string key, byte[] value, long offset)
    {
        string text = Encoding.Latin1.GetString(value).TrimEnd('=');
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), bytes, out int length)
            ? (Uri.UnescapeDataString(key[TarFormat.LibarchiveXattrRecord.Length..]), bytes[..length])
            : throw TarFormat.Damaged(offset, "an extended attribute is not base64");
    }

    private static string? Ascii(byte[]? text) => text is null ? null : Encoding.Latin1.GetString(text);
}
