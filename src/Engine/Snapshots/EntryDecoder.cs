using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Reads what <see cref="EntryEncoder"/> wrote. The bytes are trusted: their checksum has been compared.</summary>
internal ref struct EntryDecoder(ReadOnlySpan<byte> bytes)
{
    private readonly List<ImmutableSortedDictionary<string, ImmutableArray<byte>>> _xattrSets = [];
    private ReadOnlySpan<byte> _rest = bytes;

    internal ulong Number()
    {
        ulong value = 0;
        for (int i = 0, shift = 0; ; i++, shift += 7)
        {
            byte b = _rest[i];
            value |= (ulong)(b & 0x7f) << shift;
            if (b >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }
    }

    internal string Text() => PathText.Decode(Take((int)Number()));

    internal string Path(string previous)
    {
        int shared = (int)Number();
        ReadOnlySpan<byte> rest = Take((int)Number());
        if (shared == 0) return PathText.Decode(rest);
        Span<char> text = stackalloc char[256];
        return rest.Length <= text.Length && System.Text.Ascii.ToUtf16(rest, text, out int length) == System.Buffers.OperationStatus.Done
            ? string.Concat(previous.AsSpan(0, shared), text[..length])
            : string.Concat(previous.AsSpan(0, shared), PathText.Decode(rest));
    }

    internal TarEntry Metadata(ImagePath path)
    {
        byte head = Take(1)[0];
        int mode = (int)Number();
        uint uid = (uint)Number(), gid = (uint)Number();
        long size = (long)Number();
        ulong modified = Number();
        string? link = (head & EntryEncoder.LinkFlag) != 0 ? Text() : null;
        (uint major, uint minor) = (head & EntryEncoder.DeviceFlag) != 0 ? ((uint)Number(), (uint)Number()) : (0u, 0u);
        return new TarEntry
        {
            Path = path,
            Type = (EntryType)(head & 0xF),
            Mode = mode,
            Uid = uid,
            Gid = gid,
            Size = size,
            ModifiedSeconds = (long)(modified >> 1) ^ -(long)(modified & 1),
            LinkTarget = link,
            DeviceMajor = major,
            DeviceMinor = minor,
            Xattrs = (head & EntryEncoder.XattrFlag) != 0 ? XattrSet() : null,
            Opaque = (head & EntryEncoder.OpaqueFlag) != 0,
        };
    }

    private ImmutableSortedDictionary<string, ImmutableArray<byte>> XattrSet()
    {
        int number = (int)Number();
        if (number > 0) return _xattrSets[number - 1];
        var set = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<byte>>(StringComparer.Ordinal);
        for (int left = (int)Number(); left > 0; left--)
        {
            string name = Text();
            set.Add(name, [.. Take((int)Number())]);
        }

        _xattrSets.Add(set.ToImmutable());
        return _xattrSets[^1];
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
