using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Builds a layer's index from its tar, entry by entry, and brings every entry to the place where unpacking would put it: below a symlink
/// that the same tar made, the symlink is followed within the root (as containerd's unpacker does). Whiteouts and opaque markers concern only
/// the layers below, wherever they stand in the tar; a whiteout beside a directory of its name makes that directory opaque.</summary>
internal sealed class LayerIndexer
{
    // Bounds memory: about 300 bytes an entry. The largest public images have a few hundred thousand files.
    private const int MaxEntries = 8_000_000;
    private const int MaxLinks = 255;

    private readonly Dictionary<ImagePath, int> _positions = [];
    private readonly List<Item> _items = [];
    private readonly Dictionary<ImagePath, string> _symlinks = [];
    private readonly Dictionary<ImagePath, ImagePath> _resolved = [];
    private int _sequence;

    private readonly record struct Item(TarEntry Entry, long Offset, int Sequence);

    /// <summary>Reads a whole uncompressed tar, to the end of the stream: its index and its diff ID.</summary>
    internal static (LayerIndex Index, Digest DiffId) FromTar(Stream tar)
    {
        using var hashed = new HashingStream(tar, leaveOpen: true);
        var reader = new TarReader(hashed);
        var indexer = new LayerIndexer();
        while (reader.ReadNext() is { } entry) indexer.Add(entry, reader.ContentOffset);
        hashed.CopyTo(Stream.Null);
        return (indexer.Finish(), hashed.CurrentDigest);
    }

    /// <summary>Takes the next entry of the tar. Returns it at the place where it belongs.</summary>
    /// <param name="offset">Where a regular file's bytes begin in the tar; null when they are not in one piece.</param>
    /// <exception cref="KimgException">UnsafeArchive.</exception>
    internal TarEntry Add(TarEntry entry, long? offset)
    {
        ImagePath path = Follow(entry.Path);
        if (path != entry.Path) entry = entry with { Path = path };
        if (entry.Type == EntryType.HardLink)
        {
            ImagePath target = Follow(ImagePath.Trusted(entry.LinkTarget!));
            if (target.Value != entry.LinkTarget) entry = entry with { LinkTarget = target.Value };
        }

        bool known = _positions.TryGetValue(path, out int position);
        TarEntry? merged = Merge(known ? _items[position].Entry : null, entry);
        if (merged is null) return entry;
        RememberSymlink(merged);
        var item = new Item(merged, merged.Type == EntryType.File ? offset ?? -1 : -1, _sequence++);
        if (known)
        {
            _items[position] = item;
            return entry;
        }

        if (_items.Count == MaxEntries) throw new KimgException(ErrorCode.UnsafeArchive, $"a layer with more than {MaxEntries} entries");
        _positions.Add(path, _items.Count);
        _items.Add(item);
        return entry;
    }

    internal LayerIndex Finish()
    {
        Item[] items = [.. _items];
        Array.Sort(items, static (a, b) => a.Entry.Path.CompareTo(b.Entry.Path));
        int kept = 0;
        for (int i = 0; i < items.Length; i++)
        {
            Item item = items[i];
            EntryType type = item.Entry.Type;
            items[kept++] = item;
            if (type == EntryType.Directory) continue;

            int end = i + 1;
            while (end < items.Length && item.Entry.Path.Contains(items[end].Entry.Path)) end++;
            ReadOnlySpan<Item> below = items.AsSpan(i + 1, end - i - 1);
            if (type != EntryType.Whiteout)
            {
                foreach (Item lost in below)
                {
                    if (lost.Sequence > item.Sequence && lost.Entry.Type != EntryType.Whiteout) throw NotADirectory(lost.Entry, item.Entry);
                }

                i = end - 1;
            }
            else if (!item.Entry.Opaque && HasFiles(below))
            {
                items[kept - 1] = item with { Entry = item.Entry with { Opaque = true } };
            }
        }

        var entries = new TarEntry[kept];
        var offsets = new long[kept];
        for (int i = 0; i < kept; i++) (entries[i], offsets[i]) = (items[i].Entry, items[i].Offset);
        return new LayerIndex(entries, offsets);
    }

    private static bool HasFiles(ReadOnlySpan<Item> items)
    {
        foreach (Item item in items)
        {
            if (item.Entry.Type != EntryType.Whiteout) return true;
        }

        return false;
    }

    // null: the entry says nothing new.
    private static TarEntry? Merge(TarEntry? known, TarEntry entry) => (known?.Type, entry.Type) switch
    {
        (null, _) => entry,
        (EntryType.Directory, EntryType.Whiteout) => known with { Opaque = true },
        (EntryType.Whiteout, EntryType.Whiteout) => entry.Opaque ? entry : null,
        (_, EntryType.Whiteout) => null,
        (EntryType.Whiteout, EntryType.Directory) => entry with { Opaque = true },
        (EntryType.Directory, EntryType.Directory) => known.Opaque ? entry with { Opaque = true } : entry,
        _ => entry,
    };

    private void RememberSymlink(TarEntry entry)
    {
        if (entry.Type == EntryType.Symlink) _symlinks[entry.Path] = entry.LinkTarget!;
        else if (_symlinks.Count == 0 || !_symlinks.Remove(entry.Path)) return;
        _resolved.Clear();
    }

    private ImagePath Follow(ImagePath path)
    {
        if (_symlinks.Count == 0 || path.IsRoot) return path;
        ImagePath parent = path.Parent;
        if (parent.IsRoot) return path;
        if (!_resolved.TryGetValue(parent, out ImagePath followed)) _resolved.Add(parent, followed = FollowDirectory(parent));
        return followed == parent ? path : followed.Append(path.Name);
    }

    private ImagePath FollowDirectory(ImagePath directory)
    {
        var pending = new Stack<string>(Enumerable.Reverse(directory.Parts));
        ImagePath at = ImagePath.Root;
        for (int links = 0; pending.TryPop(out string? part);)
        {
            if (part is "" or ".") continue;
            if (part == "..")
            {
                at = at.Parent;
                continue;
            }

            ImagePath next = at.Append(part);
            if (!_symlinks.TryGetValue(next, out string? target))
            {
                at = next;
                continue;
            }

            if (++links > MaxLinks) throw new KimgException(ErrorCode.UnsafeArchive, $"too many symlinks in '{directory}' of a layer");
            if (target.StartsWith('/')) at = ImagePath.Root;
            foreach (string piece in Enumerable.Reverse(target.Split('/'))) pending.Push(piece);
        }

        return at;
    }

    private static KimgException NotADirectory(TarEntry entry, TarEntry parent) =>
        new(ErrorCode.UnsafeArchive, $"a layer holds '{entry.Path}' below '{parent.Path}', which is not a directory");
}
