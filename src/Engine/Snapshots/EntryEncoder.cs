using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Entries as compact canonical bytes, for index files and for the digests of plans. Equal entries give equal bytes.</summary>
internal sealed class EntryEncoder(int capacity)
{
    internal const int OpaqueFlag = 0x10, LinkFlag = 0x20, XattrFlag = 0x40, DeviceFlag = 0x80;

    private readonly Dictionary<Digest, int> _xattrSets = [];
    private byte[] _buffer = new byte[Math.Max(capacity, 256)];
    private int _length;

    internal ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    internal void Raw(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    internal void Number(ulong value)
    {
        Reserve(10);
        for (; value >= 0x80; value >>= 7) _buffer[_length++] = (byte)(value | 0x80);
        _buffer[_length++] = (byte)value;
    }

    internal void Text(ReadOnlySpan<char> text)
    {
        Reserve(text.Length * 3 + 20);
        int bytes = PathText.Encode(text, _buffer.AsSpan(_length + 10));
        Number((ulong)bytes);
        _buffer.AsSpan(_length + 10 - NumberSize(bytes), bytes).CopyTo(_buffer.AsSpan(_length));
        _length += bytes;
    }

    /// <summary>A path as the number of leading characters it shares with the one before, and the rest.</summary>
    internal void Path(string path, string previous)
    {
        int shared = path.AsSpan().CommonPrefixLength(previous);
        if (shared > 0 && char.IsHighSurrogate(path[shared - 1])) shared--;
        Number((ulong)shared);
        Text(path.AsSpan(shared));
    }

    /// <summary>Everything of the entry but its path.</summary>
    internal void Metadata(TarEntry entry)
    {
        bool device = entry.DeviceMajor != 0 || entry.DeviceMinor != 0;
        Raw([(byte)((int)entry.Type | (entry.Opaque ? OpaqueFlag : 0) | (entry.LinkTarget is null ? 0 : LinkFlag)
            | (entry.Xattrs is { Count: > 0 } ? XattrFlag : 0) | (device ? DeviceFlag : 0))]);
        Number((ulong)entry.Mode);
        Number(entry.Uid);
        Number(entry.Gid);
        Number((ulong)entry.Size);
        Number((ulong)((entry.ModifiedSeconds << 1) ^ (entry.ModifiedSeconds >> 63)));
        if (entry.LinkTarget is not null) Text(entry.LinkTarget);
        if (device)
        {
            Number(entry.DeviceMajor);
            Number(entry.DeviceMinor);
        }

        if (entry.Xattrs is { Count: > 0 } xattrs) XattrSet(xattrs);
    }

    // The first time 0 and the set, then its number.
    private void XattrSet(ImmutableSortedDictionary<string, ImmutableArray<byte>> xattrs)
    {
        var set = new EntryEncoder(256);
        set.Number((ulong)xattrs.Count);
        foreach ((string name, ImmutableArray<byte> value) in xattrs)
        {
            set.Text(name);
            set.Number((ulong)value.Length);
            set.Raw(value.AsSpan());
        }

        Digest digest = Digest.Sha256(set.Written);
        if (_xattrSets.TryGetValue(digest, out int number))
        {
            Number((ulong)number);
            return;
        }

        _xattrSets.Add(digest, _xattrSets.Count + 1);
        Number(0);
        Raw(set.Written);
    }

    private static int NumberSize(int value) => value switch { < 1 << 7 => 1, < 1 << 14 => 2, < 1 << 21 => 3, < 1 << 28 => 4, _ => 5 };

    private void Reserve(int more)
    {
        if (_buffer.Length - _length < more) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + more));
    }
}
