using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>One file system object as a layer tar describes it (POSIX pax; OCI image-spec layer.md for whiteouts). Immutable; also the entry
/// of layer indexes and plans.</summary>
public sealed record TarEntry
{
    public required ImagePath Path { get; init; }

    public required EntryType Type { get; init; }

    /// <summary>The low twelve bits: permissions, setuid, setgid, sticky.</summary>
    public int Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Bytes of a regular file; 0 for everything else.</summary>
    public long Size { get; init; }

    /// <summary>Whole seconds since 1970, may be negative.</summary>
    public long ModifiedSeconds { get; init; }

    /// <summary>A symlink's text as written; a hard link's target as a normal image path.</summary>
    public string? LinkTarget { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes by name, sorted; values are bytes.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<byte>>? Xattrs { get; init; }

    /// <summary>On a directory: hides everything the layers below have in it (<c>.wh..wh..opq</c>).</summary>
    public bool Opaque { get; init; }
}

public enum EntryType : byte
{
    File,
    Directory,
    Symlink,
    HardLink,
    CharDevice,
    BlockDevice,
    Fifo,

    /// <summary>The path is deleted from the layers below (<c>.wh.name</c> in the tar).</summary>
    Whiteout,
}
