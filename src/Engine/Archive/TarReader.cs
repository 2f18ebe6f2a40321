using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Reads tar archives of any common dialect: v7, ustar, star, GNU (long names, base-256 numbers, sparse files) and pax (local and global
/// records, sparse 0.0, 0.1 and 1.0). The input is hostile: everything that is kept in memory is bounded, paths are normal and stay
/// below the root, and what is wrong is a <see cref="KimgException"/> (UnsafeArchive) that names the byte. The ratio of what is
/// decompressed, and the size of a sparse file's holes, are the caller's to bound.</summary>
internal sealed class TarReader(Stream input, TarDialect dialect = TarDialect.Layer)
{
    private readonly TarInput _input = new(input);
    private readonly byte[] _block = new byte[TarFormat.BlockSize];
    private readonly PaxHeader _global = new();
    private TarContent? _content;
    private long _endOfData;

    /// <summary>The bytes of the current regular file, as long as its entry says; sparse files are expanded. Valid until the next
    /// <see cref="ReadNext"/>; what is not read is skipped. Seekable never.</summary>
    public Stream Content => _content ?? Stream.Null;

    /// <summary>Offset of the current entry's bytes in the uncompressed tar; null for a sparse file, whose bytes are not in one piece.</summary>
    public long? ContentOffset { get; private set; }

    /// <summary>Where the current sparse file has data, in order; null when the file is not sparse.</summary>
    public ImmutableArray<SparseRegion>? SparseRegions { get; private set; }

    /// <summary>True once the block that ends an archive has been read; false when the bytes just ended.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>The next entry, or null at the end of the archive. A layer's opaque marker is a <see cref="EntryType.Whiteout"/> with
    /// <see cref="TarEntry.Opaque"/> set and the path of its directory: it may come before, after or without the directory's own entry.</summary>
    /// <exception cref="KimgException">UnsafeArchive.</exception>
    public TarEntry? ReadNext()
    {
        PaxHeader local = new();
        byte[]? longName = null, longLink = null;
        while (true)
        {
            SkipToNextHeader();
            long offset = _input.Position;
            if (!_input.TryReadBlock(_block) || IsEnd(offset)) return null;
            TarRawHeader raw = TarRawHeader.Parse(_block, offset);
            switch (raw.Type)
            {
                case TarFormat.PaxLocal:
                    local.Add(ReadSpecial(raw), offset);
                    break;
                case TarFormat.PaxGlobal:
                    _global.Add(ReadSpecial(raw), offset);
                    break;
                case TarFormat.GnuLongName:
                    longName = TrimNul(ReadSpecial(raw));
                    break;
                case TarFormat.GnuLongLink:
                    longLink = TrimNul(ReadSpecial(raw));
                    break;
                case TarFormat.GnuVolume:
                    _endOfData = Skip(raw.Size);
                    break;
                default:
                    TarFields fields = TarFields.Merge(raw, _global, local, longName, longLink);
                    TarEntry? entry = Begin(raw, fields);
                    if (entry is not null) return entry;
                    (local, longName, longLink) = (new(), null, null);
                    break;
            }
        }
    }

    private TarEntry? Begin(TarRawHeader raw, TarFields fields)
    {
        bool hasData = fields.Type == EntryType.File;
        long stored = hasData ? fields.StoredSize : 0;
        long dataStart = _input.Position;
        SparseMap? map = hasData ? SparseMap.Read(raw, fields, _input, _block) : null;
        if (map is not null) stored -= fields.SparseMapInData ? _input.Position - dataStart : 0;
        if (stored < 0 || stored > long.MaxValue - _input.Position - TarFormat.BlockSize)
            throw TarFormat.Damaged(raw.Offset, $"impossible size {stored}");
        map?.CheckStored(stored, raw.Offset);
        _endOfData = _input.Position + stored;
        SparseRegions = map?.Regions;
        ContentOffset = hasData && map is null ? _input.Position : null;
        _content = hasData ? new TarContent(_input, stored, map) : null;
        return TarPaths.ToEntry(fields, map?.Size ?? stored, dialect, raw.Offset);
    }

    private void SkipToNextHeader()
    {
        if (_endOfData == 0) return;
        _input.SkipTo(_endOfData + TarFormat.Padding(_endOfData));
        (_content, ContentOffset, SparseRegions, _endOfData) = (null, null, null, 0);
    }

    // One zero block ends the archive when a second one or nothing follows.
    private bool IsEnd(long offset)
    {
        if (_block.AsSpan().ContainsAnyExcept((byte)0)) return false;
        if (_input.TryReadBlock(_block) && _block.AsSpan().ContainsAnyExcept((byte)0))
            throw TarFormat.Damaged(offset, "a zero block in the middle of the archive");
        return SawEnd = true;
    }

    private byte[] ReadSpecial(TarRawHeader raw)
    {
        if (raw.Size > TarFormat.MaxSpecialSize)
            throw TarFormat.Unsafe(raw.Offset, $"an extended header or long name of {raw.Size} bytes");
        var bytes = new byte[raw.Size];
        _input.ReadExactly(bytes);
        _endOfData = _input.Position;
        return bytes;
    }

    private long Skip(long size)
    {
        _input.SkipTo(_input.Position + size);
        return _input.Position;
    }

    private static byte[] TrimNul(byte[] text) => text.AsSpan().IndexOf((byte)0) is var end and >= 0 ? text[..end] : text;
}

/// <summary>What names in an archive mean.</summary>
internal enum TarDialect
{
    /// <summary>Names that begin with <c>.wh.</c> are whiteouts.</summary>
    Layer,

    /// <summary>Names are names: contexts, and archives that ADD unpacks.</summary>
    Plain,
}

/// <summary>A run of bytes of a sparse file.</summary>
internal readonly record struct SparseRegion(long Offset, long Length);
