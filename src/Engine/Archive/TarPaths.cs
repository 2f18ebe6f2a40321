using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Names in a tar become image paths that stay below the root; <c>.wh.</c> names become whiteouts.</summary>
internal static class TarPaths
{
    // What Linux takes: PATH_MAX with its NUL, NAME_MAX.
    private const int MaxPath = 4095, MaxName = 255;

    /// <summary>The entry, or null for the bookkeeping files of aufs (<c>.wh..wh.plnk</c> and the like), which are no part of a layer.</summary>
    internal static TarEntry? ToEntry(TarFields fields, long size, TarDialect dialect, long offset)
    {
        ImagePath path = Normalize(fields.Path, offset, "name");
        EntryType type = fields.Type;
        bool opaque = false;
        if (path.IsRoot && type != EntryType.Directory) throw TarFormat.Unsafe(offset, "the root is not a directory");
        if (dialect == TarDialect.Layer)
        {
            if (path.Parent.Value.StartsWith(TarFormat.WhiteoutPrefix, StringComparison.Ordinal)
                || path.Parent.Value.Contains("/" + TarFormat.WhiteoutPrefix, StringComparison.Ordinal))
            {
                return IsBookkeeping(path) ? null : throw TarFormat.Unsafe(offset, $"'{path}' is inside of a whiteout");
            }

            if (path.Name == TarFormat.OpaqueMarker) (path, type, opaque) = (path.Parent, EntryType.Whiteout, true);
            else if (IsBookkeeping(path)) return null;
            else if (path.Name.StartsWith(TarFormat.WhiteoutPrefix, StringComparison.Ordinal))
            {
                string deleted = path.Name[TarFormat.WhiteoutPrefix.Length..];
                if (deleted is "" or "." or "..") throw TarFormat.Unsafe(offset, $"'{path}' deletes nothing");
                (path, type) = (path.Parent.Append(deleted), EntryType.Whiteout);
            }
        }

        return new TarEntry
        {
            Path = path,
            Type = type,
            Mode = fields.Mode,
            Uid = fields.Uid,
            Gid = fields.Gid,
            Size = type == EntryType.File ? size : 0,
            ModifiedSeconds = fields.ModifiedSeconds,
            LinkTarget = type switch
            {
                EntryType.Symlink => SymlinkText(fields.Link, offset),
                EntryType.HardLink => HardLinkTarget(fields.Link, path, offset),
                _ => null,
            },
            DeviceMajor = fields.DeviceMajor,
            DeviceMinor = fields.DeviceMinor,
            Xattrs = fields.Xattrs,
            Opaque = opaque,
        };
    }

    private static bool IsBookkeeping(ImagePath path) =>
        path.Value.StartsWith(TarFormat.WhiteoutMetaPrefix, StringComparison.Ordinal) && path.Parts[0] != TarFormat.OpaqueMarker;

    private static string SymlinkText(byte[] text, long offset)
    {
        if (text.Length is 0 or > MaxPath) throw TarFormat.Unsafe(offset, $"a symlink of {text.Length} bytes");
        return PathText.Decode(text);
    }

    private static string HardLinkTarget(byte[] text, ImagePath path, long offset)
    {
        ImagePath target = Normalize(text, offset, "hard link");
        return target.IsRoot || target == path ? throw TarFormat.Unsafe(offset, $"'{path}' is a hard link to '{target}'") : target.Value;
    }

    private static ImagePath Normalize(ReadOnlySpan<byte> bytes, long offset, string what)
    {
        if (bytes.Length is 0 or > MaxPath) throw TarFormat.Unsafe(offset, $"a {what} of {bytes.Length} bytes");
        if (bytes.Contains((byte)0)) throw TarFormat.Unsafe(offset, $"a zero byte in a {what}");
        if (bytes.StartsWith("./"u8)) bytes = bytes[2..];
        bytes = bytes.Trim((byte)'/');
        int depth = 0;
        bool normal = true;
        foreach (Range range in bytes.Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = bytes[range];
            if (part.Length > MaxName) throw TarFormat.Unsafe(offset, $"a {what} with a part of {part.Length} bytes");
            if (part.IsEmpty || part.SequenceEqual("."u8)) normal = false;
            else if (!part.SequenceEqual(".."u8)) depth++;
            else if (--depth < 0) throw TarFormat.Unsafe(offset, $"the {what} '{PathText.Decode(bytes)}' climbs out of the root");
            else normal = false;
        }

        string text = PathText.Decode(bytes);
        return normal ? ImagePath.Trusted(text) : ImagePath.Normalize(text);
    }
}
