using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>What a chain of layers shows when they are laid over each other, from their indexes alone. Looks only at what is asked for: a lookup
/// costs one binary search per layer, a walk is linear. A directory that exists only because something is below it takes its metadata from the
/// layers below, else 0755, root, 1970. A hard link has its target's metadata and size: type HardLink with
/// <see cref="TarEntry.LinkTarget"/> while that target is still the visible one, else an ordinary file of its own. Thread-safe.</summary>
internal sealed class MergedTree : IFileTree
{
    private const int MaxHardLinks = 64;

    private readonly ImmutableArray<SnapshotLayer> _layers;
    private readonly LayerIndex[] _indexes;
    private readonly ConcurrentDictionary<ImagePath, DirectoryView?> _views = new();
    private readonly ConcurrentDictionary<int, MergedTree> _below = new();

    private MergedTree(ImmutableArray<SnapshotLayer> layers, LayerIndex[] indexes) => (_layers, _indexes) = (layers, indexes);

    /// <summary>What one layer has at a path: its entry's position or -1, and the range of what is below it.</summary>
    private readonly record struct Slice(int Layer, int Position, int Start, int End);

    /// <summary>A directory: its metadata and the layers that add to it, top first.</summary>
    private sealed record DirectoryView(TarEntry Entry, ImmutableArray<Slice> Slices);

    /// <summary>What is at a path: a directory, or one entry of one layer.</summary>
    private readonly record struct Located(TarEntry Entry, int Layer, int Position);

    /// <param name="chain">Bottom first.</param>
    internal static async Task<MergedTree> LoadAsync(IEnumerable<SnapshotLayer> chain, CancellationToken cancellationToken)
    {
        ImmutableArray<SnapshotLayer> layers = [.. chain];
        LayerIndex[] indexes = await Task.WhenAll(layers.Select(layer => layer.GetIndexAsync(cancellationToken).AsTask()));
        return new MergedTree(layers, indexes);
    }

    public TarEntry? Find(ImagePath path) => Locate(path)?.Entry;

    public IReadOnlyList<TarEntry> Children(ImagePath directory)
    {
        if (View(directory) is not { } view) return [];
        var children = new List<TarEntry>();
        var cursors = new List<Cursor>(view.Slices.Length);
        foreach (Slice slice in view.Slices)
        {
            var cursor = new Cursor(_indexes[slice.Layer], slice, directory);
            if (cursor.Next()) cursors.Add(cursor);
        }

        var same = new List<Slice>();
        while (cursors.Count > 0)
        {
            ImagePath least = cursors[0].Path;
            foreach (Cursor cursor in cursors)
            {
                if (cursor.Path < least) least = cursor.Path;
            }

            same.Clear();
            for (int i = 0; i < cursors.Count; i++)
            {
                if (cursors[i].Path != least) continue;
                same.Add(cursors[i].Current);
                if (!cursors[i].Next()) cursors.RemoveAt(i--);
            }

            if (Combine(least, same) is { } child) children.Add(child.Entry);
        }

        return children;
    }

    public async Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken)
    {
        (SnapshotLayer layer, TarEntry entry) = LocateFile(file);
        return await layer.OpenAsync(entry, cancellationToken);
    }

    public async Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken)
    {
        var digests = new Digest[files.Count];
        var byLayer = new Dictionary<SnapshotLayer, (List<TarEntry> Entries, List<int> Positions)>();
        for (int i = 0; i < files.Count; i++)
        {
            (SnapshotLayer layer, TarEntry entry) = LocateFile(files[i]);
            if (!byLayer.TryGetValue(layer, out var group)) byLayer.Add(layer, group = ([], []));
            group.Entries.Add(entry);
            group.Positions.Add(i);
        }

        foreach ((SnapshotLayer layer, (List<TarEntry> entries, List<int> positions)) in byLayer)
        {
            IReadOnlyList<Digest> found = await layer.HashAsync(entries, cancellationToken);
            for (int i = 0; i < positions.Count; i++) digests[positions[i]] = found[i];
        }

        return digests;
    }

    private (SnapshotLayer Layer, TarEntry Entry) LocateFile(TarEntry file)
    {
        if (Locate(file.Path) is not { Layer: >= 0 } at || at.Entry.Type is not (EntryType.File or EntryType.HardLink))
            throw new InvalidOperationException($"'{file.Path}' is not a file of this tree");
        return (_layers[at.Layer], _indexes[at.Layer][at.Position]);
    }

    /// <summary>What is at the path; hard links followed to the layer and entry that hold the bytes. Directories have layer -1.</summary>
    private Located? Locate(ImagePath path)
    {
        if (path.IsRoot) return new Located(View(path)!.Entry, -1, -1);
        return View(path.Parent) is { } parent ? Combine(path, Slices(parent, path)) : null;
    }

    private DirectoryView? View(ImagePath path)
    {
        if (_views.TryGetValue(path, out DirectoryView? view)) return view;
        if (!path.IsRoot)
        {
            // Combine remembers the view when the path is a directory.
            if (View(path.Parent) is { } parent) Combine(path, Slices(parent, path));
            return _views.GetOrAdd(path, (DirectoryView?)null);
        }

        TarEntry? root = null;
        var slices = ImmutableArray.CreateBuilder<Slice>();
        for (int layer = _indexes.Length - 1; layer >= 0; layer--)
        {
            LayerIndex index = _indexes[layer];
            TarEntry? own = index.Count > 0 && index[0].Path.IsRoot ? index[0] : null;
            if (own is { Type: EntryType.Directory }) root ??= own;
            slices.Add(new Slice(layer, own is null ? -1 : 0, own is null ? 0 : 1, index.Count));
            if (own is { Opaque: true }) break;
        }

        return _views.GetOrAdd(path, new DirectoryView(Plain(root, path), slices.ToImmutable()));
    }

    private List<Slice> Slices(DirectoryView parent, ImagePath path)
    {
        var slices = new List<Slice>(parent.Slices.Length);
        foreach (Slice outer in parent.Slices)
        {
            LayerIndex index = _indexes[outer.Layer];
            int found = index.Find(path);
            int start = found >= 0 ? found + 1 : ~found, end = index.SubtreeEnd(path, start);
            if (found >= 0 || end > start) slices.Add(new Slice(outer.Layer, Math.Max(found, -1), start, end));
        }

        return slices;
    }

    /// <summary>Lays what the layers have at one path over each other, top first.</summary>
    private Located? Combine(ImagePath path, List<Slice> candidates)
    {
        TarEntry? directory = null;
        bool exists = false, hidden = false; // hidden: an opaque marker above; below it only the directory's own metadata counts
        var slices = ImmutableArray.CreateBuilder<Slice>(candidates.Count);
        foreach (Slice slice in candidates)
        {
            LayerIndex index = _indexes[slice.Layer];
            TarEntry? entry = slice.Position >= 0 ? index[slice.Position] : null;
            if (entry is { Type: EntryType.Whiteout, Opaque: false }) break;
            if (entry is { Type: not (EntryType.Directory or EntryType.Whiteout) })
            {
                if (exists || hidden) break;
                return entry.Type == EntryType.HardLink ? FollowLink(slice.Layer, entry) : new Located(entry, slice.Layer, slice.Position);
            }

            bool own = entry is { Type: EntryType.Directory };
            exists |= own || (!hidden && HasFiles(index, slice));
            if (own) directory ??= entry;
            if (!hidden) slices.Add(slice);
            hidden |= entry is { Opaque: true };
            if (hidden && directory is not null) break;
        }

        if (!exists) return null;
        DirectoryView view = _views.GetOrAdd(path, static (at, made) => new DirectoryView(Plain(made.Entry, at), made.Slices),
            (Entry: directory, Slices: slices.ToImmutable()))!;
        return new Located(view.Entry, -1, -1);
    }

    private Located FollowLink(int layer, TarEntry link)
    {
        Located target = LinkTarget(layer, link, 0);
        TarEntry entry = target.Entry with { Path = link.Path };
        ImagePath at = target.Entry.Path;
        if (entry.Type == EntryType.File && at != link.Path && Locate(at) is { } visible
            && (visible.Layer, visible.Position) == (target.Layer, target.Position))
        {
            entry = entry with { Type = EntryType.HardLink, LinkTarget = at.Value };
        }

        return new Located(entry, target.Layer, target.Position);
    }

    // In the layer itself, else in what the layers below it show.
    private Located LinkTarget(int layer, TarEntry link, int depth)
    {
        var path = ImagePath.Trusted(link.LinkTarget!);
        LayerIndex index = _indexes[layer];
        int position = index.Find(path);
        TarEntry? own = position >= 0 ? index[position] : null;
        if (own is { Type: EntryType.HardLink } && depth < MaxHardLinks) return LinkTarget(layer, own, depth + 1);
        if (own is { Type: not (EntryType.HardLink or EntryType.Directory or EntryType.Whiteout) }) return new Located(own, layer, position);
        if (own is null && layer > 0)
        {
            MergedTree below = _below.GetOrAdd(layer, count => new MergedTree(_layers[..count], _indexes[..count]));
            if (below.Locate(path) is { Layer: >= 0 } found) return found with { Entry = _indexes[found.Layer][found.Position] };
        }

        throw new KimgException(ErrorCode.UnsafeArchive, $"a layer holds '{link.Path}', a hard link to '{path}', which is not a file");
    }

    private static bool HasFiles(LayerIndex index, Slice slice)
    {
        for (int i = slice.Start; i < slice.End; i++)
        {
            if (index[i].Type != EntryType.Whiteout) return true;
        }

        return false;
    }

    private static TarEntry Plain(TarEntry? entry, ImagePath path) => entry switch
    {
        null => new TarEntry { Path = path, Type = EntryType.Directory, Mode = 0b111_101_101 },
        { Opaque: true } => entry with { Opaque = false },
        _ => entry,
    };

    /// <summary>Goes through the names directly in a directory, of one layer.</summary>
    private sealed class Cursor(LayerIndex index, Slice slice, ImagePath directory)
    {
        private readonly int _prefix = directory.IsRoot ? 0 : directory.Value.Length + 1;
        private int _next = slice.Start;

        internal ImagePath Path { get; private set; }

        internal Slice Current { get; private set; }

        internal bool Next()
        {
            if (_next >= slice.End) return false;
            ImagePath path = index[_next].Path;
            int slash = path.Value.IndexOf('/', _prefix);
            int start = slash < 0 ? _next + 1 : _next;
            Path = slash < 0 ? path : ImagePath.Trusted(path.Value[..slash]);
            int end = index.SubtreeEnd(Path, start);
            Current = new Slice(slice.Layer, slash < 0 ? _next : -1, start, end);
            _next = end;
            return true;
        }
    }
}
