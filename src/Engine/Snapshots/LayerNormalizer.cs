using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Turns a layer on top of a chain into the tar that <see cref="ISnapshotter.Apply"/> takes, which can then be unpacked by itself: parents that the
/// layer leaves out are added as the layers below have them, hard links into lower layers become copies, whiteouts of nothing are dropped. Streams
/// the layer in its own order; what needs the layers below comes last, so their indexes are not waited for before.</summary>
internal sealed class LayerNormalizer
{
    private readonly SnapshotLayer _layer;
    private readonly IReadOnlyList<SnapshotLayer> _chainBelow;
    private readonly TarWriter _writer;
    private readonly HashSet<ImagePath> _written = [];
    private readonly List<TarEntry> _links = [];
    private readonly Dictionary<string, ImagePath> _copies = [];
    private MergedTree? _below;
    private LayerIndex _index = new([]);

    private LayerNormalizer(SnapshotLayer layer, IReadOnlyList<SnapshotLayer> below, Stream output) =>
        (_layer, _chainBelow, _writer) = (layer, below, new TarWriter(output));

    /// <param name="below">The chain under the layer, bottom first.</param>
    /// <param name="ready">Done when what is below has been read and unpacked; nothing of it is looked at before, and the tar does not end before.</param>
    internal static Task WriteAsync(SnapshotLayer layer, IReadOnlyList<SnapshotLayer> below, Task ready, Stream output, CancellationToken cancellationToken) =>
        new LayerNormalizer(layer, below, output).WriteAsync(ready, cancellationToken);

    private async Task WriteAsync(Task ready, CancellationToken cancellationToken)
    {
        await foreach (LayerItem item in _layer.ReadAsync(cancellationToken))
        {
            TarEntry entry = item.Entry;
            switch (entry.Type)
            {
                case EntryType.Whiteout:
                    break;
                case EntryType.HardLink when !_written.Contains(ImagePath.Trusted(entry.LinkTarget!)):
                    _links.Add(entry);
                    break;
                default:
                    Write(entry.Opaque ? entry with { Opaque = false } : entry, item.Content);
                    break;
            }
        }

        await ready;
        _index = await _layer.GetIndexAsync(cancellationToken);
        foreach (TarEntry link in _links) await WriteLinkAsync(link, 0, cancellationToken);
        if (_chainBelow.Count > 0) await WriteFromBelowAsync(cancellationToken);
        _writer.Finish();
    }

    private async Task WriteLinkAsync(TarEntry link, int depth, CancellationToken cancellationToken)
    {
        // A later entry of the same path took its place.
        if (_index.Find(link.Path) is not (>= 0 and var position) || _index[position].Type != EntryType.HardLink || _written.Contains(link.Path)) return;
        var target = ImagePath.Trusted(link.LinkTarget!);
        int at = _index.Find(target);
        if (!_written.Contains(target) && at >= 0 && _index[at].Type == EntryType.HardLink && depth < 64)
            await WriteLinkAsync(_index[at], depth + 1, cancellationToken);
        if (_written.Contains(target) && at >= 0 && _index[at].Type != EntryType.Directory)
        {
            Write(link, null);
            return;
        }

        if (_copies.TryGetValue(target.Value, out ImagePath copy))
        {
            Write(link with { LinkTarget = copy.Value }, null);
            return;
        }

        MergedTree below = await BelowAsync(cancellationToken);
        if (at >= 0 || below.Find(target) is not { Type: not EntryType.Directory } found)
            throw new KimgException(ErrorCode.UnsafeArchive, $"a layer holds '{link.Path}', a hard link to '{target}', which is not a file");
        _copies.Add(target.Value, link.Path);
        if (found.Type is not (EntryType.File or EntryType.HardLink))
        {
            Write(found with { Path = link.Path }, null);
            return;
        }

        await using Stream content = await below.OpenAsync(found, cancellationToken);
        Write(found with { Path = link.Path, Type = EntryType.File, LinkTarget = null }, found.Size > 0 ? content : null);
    }

    private async Task WriteFromBelowAsync(CancellationToken cancellationToken)
    {
        var implied = new HashSet<ImagePath>();
        for (int i = 0; i < _index.Count; i++)
        {
            TarEntry entry = _index[i];
            if (entry is { Type: EntryType.Whiteout, Opaque: false })
            {
                if (IsHidden(entry.Path) || (await BelowAsync(cancellationToken)).Find(entry.Path) is null) continue;
                await WriteParentsAsync(entry.Path, implied, cancellationToken);
                _writer.WriteEntry(entry);
                continue;
            }

            await WriteParentsAsync(entry.Path, implied, cancellationToken);
            if (!entry.Opaque) continue;
            if (entry.Type == EntryType.Directory) _writer.WriteEntry(entry);
            else if (implied.Add(entry.Path) && await MetadataAsync(entry.Path, cancellationToken) is { } directory)
                _writer.WriteEntry(directory with { Opaque = true });
        }
    }

    // Parents that this layer does not describe itself.
    private async Task WriteParentsAsync(ImagePath path, HashSet<ImagePath> implied, CancellationToken cancellationToken)
    {
        ImagePath parent = path.Parent;
        if (parent.IsRoot || implied.Contains(parent)) return;
        await WriteParentsAsync(parent, implied, cancellationToken);
        int own = _index.Find(parent);
        if (own >= 0 && _index[own].Type == EntryType.Directory) return;
        bool opaque = own >= 0 && _index[own].Opaque;
        implied.Add(parent);
        if (await MetadataAsync(parent, cancellationToken) is { } directory) _writer.WriteEntry(directory with { Opaque = opaque });
    }

    // null: a new directory, which unpacking gives the default metadata.
    private async Task<TarEntry?> MetadataAsync(ImagePath path, CancellationToken cancellationToken) =>
        (await BelowAsync(cancellationToken)).Find(path) is { Type: EntryType.Directory } directory ? directory : null;

    // Below something that this layer deletes or replaces.
    private bool IsHidden(ImagePath path)
    {
        for (path = path.Parent; !path.IsRoot; path = path.Parent)
        {
            int at = _index.Find(path);
            if (at >= 0 && (_index[at].Type != EntryType.Directory || _index[at].Opaque)) return true;
        }

        return false;
    }

    private void Write(TarEntry entry, Stream? content)
    {
        _written.Add(entry.Path);
        if (content is null) _writer.WriteEntry(entry);
        else _writer.WriteEntry(entry, content);
    }

    private async Task<MergedTree> BelowAsync(CancellationToken cancellationToken) =>
        _below ??= await MergedTree.LoadAsync(_chainBelow, cancellationToken);
}
