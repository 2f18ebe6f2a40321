using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>Changes on top of a base tree, as data: what FileOps write into, what they see while they go on, and in the end the entries of a plan.
/// Paths given to the writing methods are resolved already (no symlink among the parents).</summary>
internal sealed class TreeEditor(IFileTree baseTree, long createdTime) : IFileTree
{
    private const int SetGid = 0b010_000_000_000;

    private static readonly ImmutableSortedDictionary<string, ImmutableArray<byte>> s_none = ImmutableSortedDictionary<string, ImmutableArray<byte>>.Empty;

    private readonly Dictionary<ImagePath, PlanEntry?> _changes = [];
    private readonly Dictionary<ImagePath, SortedSet<string>> _added = [];

    // Paths removed at some time: what the base has below them stays hidden, whatever comes there later.
    private readonly HashSet<ImagePath> _cut = [];

    public TarEntry? Find(ImagePath path) =>
        _changes.TryGetValue(path, out PlanEntry? change) ? change?.Entry : IsCut(path) ? null : baseTree.Find(path);

    public IReadOnlyList<TarEntry> Children(ImagePath directory)
    {
        var names = new SortedDictionary<ImagePath, TarEntry>();
        if (!IsCut(directory) && !_cut.Contains(directory))
        {
            foreach (TarEntry child in baseTree.Children(directory)) names[child.Path] = child;
        }

        foreach (string name in _added.GetValueOrDefault(directory) ?? [])
        {
            ImagePath path = directory.Append(name);
            if (_changes[path] is { } change) names[path] = change.Entry;
            else names.Remove(path);
        }

        return [.. names.Values];
    }

    public Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken) =>
        _changes.TryGetValue(file.Path, out PlanEntry? change) && change?.Source is { } source
            ? source.OpenAsync(cancellationToken)
            : baseTree.OpenAsync(file, cancellationToken);

    public async Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken)
    {
        var digests = new Digest[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            digests[i] = _changes.TryGetValue(files[i].Path, out PlanEntry? change) && change?.Source is { } source
                ? source.Digest
                : (await baseTree.HashAsync([files[i]], cancellationToken))[0];
        }

        return digests;
    }

    /// <summary>Puts an entry, replacing what is there (which is no directory unless this is one too).</summary>
    public void Put(PlanEntry entry) => Set(entry.Entry.Path, entry);

    /// <summary>Changes the header of an entry that was put; nothing happens when none was.</summary>
    public void Change(ImagePath path, Func<TarEntry, TarEntry> header)
    {
        if (_changes.GetValueOrDefault(path) is { } put) Set(path, put with { Entry = header(put.Entry) });
    }

    /// <summary>Removes the path and everything below it; nothing happens when it is not there.</summary>
    public void Remove(ImagePath path)
    {
        if (Find(path) is null) return;
        foreach (string name in _added.GetValueOrDefault(path) ?? []) Forget(path.Append(name));
        _added.Remove(path);
        _cut.Add(path);
        Set(path, null);
    }

    /// <summary>The group of what is made in a directory when nobody says another: that of a setgid directory, else 0.</summary>
    public uint GroupIn(ImagePath directory) => Find(directory) is { } parent && (parent.Mode & SetGid) != 0 ? parent.Gid : 0;

    /// <summary>Makes the directory and its missing parents, following symlinks; returns where it is.</summary>
    /// <param name="owner">Null: 0, and the group as the kernel has it.</param>
    public ImagePath MakeDirectories(string path, int mode, (uint Uid, uint Gid)? owner)
    {
        ImagePath at = ImagePath.Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = this.Resolve(at.Combine(name));
            TarEntry? there = Find(at);
            if (there is null)
            {
                if (!at.IsRoot && Find(at.Parent) is null) MakeDirectories(at.Parent.Value, mode, owner);
                Put(new PlanEntry(new TarEntry
                {
                    Path = at,
                    Type = EntryType.Directory,
                    Mode = (mode & 0b111_111_111) | ((Find(at.Parent)?.Mode ?? 0) & SetGid),
                    Uid = owner?.Uid ?? 0,
                    Gid = owner?.Gid ?? GroupIn(at.Parent),
                    ModifiedSeconds = createdTime,
                }));
            }
            else if (there.Type != EntryType.Directory)
            {
                throw new KimgException(ErrorCode.InvalidCopy, $"'{at}' is not a directory")
                {
                    Hint = $"'{path}' cannot be made below it",
                };
            }
        }

        return at;
    }

    /// <summary>The layer: every real change, a whiteout for what was deleted from the base, and the parents of each, as BuildKit's layers have them.
    /// What was put again exactly as the base has it is no change; of a directory its time does not count.</summary>
    public async Task<ImmutableArray<PlanEntry>> FinishAsync(CancellationToken cancellationToken)
    {
        HashSet<ImagePath> same = await SameAsBaseAsync(cancellationToken);
        var entries = new SortedDictionary<ImagePath, PlanEntry>();
        foreach ((ImagePath path, PlanEntry? change) in _changes)
        {
            if (same.Contains(path) || (change is null && (path.IsRoot || IsCut(path) || baseTree.Find(path) is null))) continue;
            PlanEntry entry = change ?? new PlanEntry(new TarEntry { Path = path, Type = EntryType.Whiteout });
            bool hidesBase = _cut.Contains(path) && entry.Entry.Type == EntryType.Directory && baseTree.Find(path) is { Type: EntryType.Directory };
            entries[path] = hidesBase ? entry with { Entry = entry.Entry with { Opaque = true } } : entry;
            for (ImagePath parent = path.Parent; !parent.IsRoot && !entries.ContainsKey(parent); parent = parent.Parent)
            {
                PlanEntry? put = _changes.GetValueOrDefault(parent);
                if (put is not null && !same.Contains(parent)) break;
                if (put is not null) entries[parent] = put;
                else if (baseTree.Find(parent) is { } existing) entries[parent] = new PlanEntry(existing);
            }
        }

        return [.. entries.Values];
    }

    private async Task<HashSet<ImagePath>> SameAsBaseAsync(CancellationToken cancellationToken)
    {
        HashSet<ImagePath> same = [];
        foreach ((ImagePath path, PlanEntry? change) in _changes)
        {
            if (change is not { Entry: { Type: EntryType.Directory or EntryType.Symlink or EntryType.File, Opaque: false } put }) continue;
            if (_cut.Contains(path) || IsCut(path) || baseTree.Find(path) is not { } old || !HaveSameHeader(put, old)) continue;
            if (put.Type != EntryType.File || (await baseTree.HashAsync([old], cancellationToken))[0] == change.Source?.Digest) same.Add(path);
        }

        return same;
    }

    private static bool HaveSameHeader(TarEntry a, TarEntry b) =>
        a.Type == b.Type && a.Mode == b.Mode && a.Uid == b.Uid && a.Gid == b.Gid && a.Size == b.Size && a.LinkTarget == b.LinkTarget
        && (a.Type == EntryType.Directory || a.ModifiedSeconds == b.ModifiedSeconds)
        && (a.Xattrs ?? s_none).Select(Text).SequenceEqual((b.Xattrs ?? s_none).Select(Text));

    private static (string, string) Text(KeyValuePair<string, ImmutableArray<byte>> xattr) => (xattr.Key, Convert.ToHexString(xattr.Value.AsSpan()));

    private bool IsCut(ImagePath path)
    {
        if (_cut.Count == 0) return false;
        for (ImagePath parent = path; !parent.IsRoot;)
        {
            parent = parent.Parent;
            if (_cut.Contains(parent)) return true;
        }

        return false;
    }

    private void Set(ImagePath path, PlanEntry? change)
    {
        _changes[path] = change;
        if (path.IsRoot) return;
        if (!_added.TryGetValue(path.Parent, out SortedSet<string>? names)) _added[path.Parent] = names = new SortedSet<string>(StringComparer.Ordinal);
        names.Add(path.Name);
    }

    private void Forget(ImagePath path)
    {
        foreach (string name in _added.GetValueOrDefault(path) ?? []) Forget(path.Append(name));
        _added.Remove(path);
        _changes.Remove(path);
    }
}
