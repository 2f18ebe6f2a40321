using Kimg.Engine.Archive;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>Carries out one CopyAction on a <see cref="TreeEditor"/>, with the semantics BuildKit's file operations have.</summary>
internal sealed class CopyPlanner(TreeEditor target, IFileTree source, CopyAction action, (uint Uid, uint Gid)? owner)
{
    private const int DirectoryMode = 0b111_101_101;

    private readonly ModeChange? _mode = ModeChange.Parse(action.Mode);
    private readonly Dictionary<ImagePath, ImagePath> _links = [];
    private readonly List<(TarEntry Source, TarEntry Copy)> _files = [];

    public async Task CopyAsync(ArchiveUnpacker unpacker, CancellationToken cancellationToken)
    {
        foreach (SourceSelection selection in SourceSelection.Of(source, action))
        {
            foreach (ImagePath root in selection.Roots)
            {
                TarEntry entry = selection.Follow(root);
                if (action.Unpack && entry.Type is EntryType.File or EntryType.HardLink
                    && await unpacker.TryUnpackAsync(target, source, entry, action.Destination, owner, cancellationToken)) continue;
                Copy(selection, root, entry);
            }
        }

        await PutFilesAsync(cancellationToken);
    }

    private void Copy(SourceSelection selection, ImagePath root, TarEntry entry)
    {
        bool intoDirectory = action.Destination.EndsWith('/') || action.Destination.EndsWith("/.", StringComparison.Ordinal);
        ImagePath destination = ImagePath.Normalize(action.Destination);
        MakeParents(intoDirectory ? destination : destination.Parent);
        destination = target.Resolve(destination);
        bool isDirectory = entry.Type == EntryType.Directory;
        TarEntry? existing = target.Find(destination);
        if (!isDirectory && existing?.Type == EntryType.Directory)
        {
            destination = destination.Append(root.IsRoot ? entry.Path.Name : root.Name);
        }

        MakeParents(isDirectory && existing is null ? destination : destination.Parent);
        foreach (Selected item in selection.Walk(entry))
        {
            ImagePath path = item.Path.IsRoot ? destination : destination.Combine(item.Path.Value);
            Put(item, path, isTop: item.Path.IsRoot);
        }
    }

    private void MakeParents(ImagePath directory) =>
        target.MakeDirectories(directory.Value, _mode?.Octal ?? DirectoryMode, owner);

    private void Put(Selected item, ImagePath path, bool isTop)
    {
        TarEntry? existing = target.Find(path);
        bool isDirectory = item.Entry.Type == EntryType.Directory, wasDirectory = existing?.Type == EntryType.Directory;
        if (existing is not null && isDirectory != wasDirectory)
        {
            if (action.Replace) target.Remove(path);
            else if (isDirectory) throw Conflict($"cannot copy to non-directory: '{path}'");
            else throw Conflict($"cannot replace to directory '{path}' with file");
            existing = null;
        }

        if (isDirectory && existing is not null && (isTop || item.Implied))
        {
            // The directory copied into keeps what it is and takes only the time of the one copied; a parent on the way is left alone.
            if (isTop && action.Parents) return;
            if (!path.IsRoot && isTop) target.Put(new PlanEntry(existing with { ModifiedSeconds = item.Entry.ModifiedSeconds }));
            return;
        }

        TarEntry copy = item.Entry with
        {
            Path = path,
            Uid = owner?.Uid ?? item.Entry.Uid,
            Gid = owner?.Gid ?? item.Entry.Gid,
            // Linux knows no mode of a symlink, whatever a base's tar says.
            Mode = item.Entry.Type == EntryType.Symlink ? 0b111_111_111 : _mode?.Apply(item.Entry.Mode, isDirectory) ?? item.Entry.Mode,
            ModifiedSeconds = item.Entry.ModifiedSeconds,
            Opaque = false,
        };
        if (item.Entry.Type is not (EntryType.File or EntryType.HardLink))
        {
            target.Put(new PlanEntry(copy));
            return;
        }

        _files.Add((item.Entry, copy));

        // Present for what comes after, with its content filled in at the end, when all files are hashed at once.
        target.Put(new PlanEntry(copy));
    }

    private async Task PutFilesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Digest> contents = await source.HashAsync([.. _files.Select(f => f.Source)], cancellationToken);
        for (int i = 0; i < _files.Count; i++)
        {
            (TarEntry from, TarEntry copy) = _files[i];
            if (Link(from, copy) is { } link) target.Put(new PlanEntry(link));
            else target.Put(new PlanEntry(copy with { Type = EntryType.File, LinkTarget = null }, new TreeFile(source, from, contents[i])));
        }
    }

    // Names of one file in the source become names of one file in the copy.
    private TarEntry? Link(TarEntry from, TarEntry copy)
    {
        ImagePath original = from.Type == EntryType.HardLink ? ImagePath.Normalize(from.LinkTarget!) : from.Path;
        if (_links.TryAdd(original, copy.Path) || _links[original] == copy.Path) return null;
        return copy with { Type = EntryType.HardLink, LinkTarget = _links[original].Value, Size = 0 };
    }

    private KimgException Conflict(string message) => new(ErrorCode.InvalidCopy, message)
    {
        Hint = $"while copying to '{action.Destination}': remove what is there first, or copy to another place",
    };
}
