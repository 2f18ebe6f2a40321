using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Ops;

/// <summary>COPY, ADD, WORKDIR, heredocs: changes a tree as data and gives one plan layer. Nothing is written to disk.</summary>
internal sealed class FileRunner : IOp<OpResult>
{
    private readonly FileOp _op;
    private readonly ArchiveUnpacker _unpacker;
    private readonly TimeProvider _time;

    public FileRunner(FileOp op, int inputCount, ArchiveUnpacker unpacker, TimeProvider time)
    {
        (_op, _unpacker, _time) = (op, unpacker, time);
        CacheMap = new CacheMap<OpResult>
        {
            Digest = OpDigest.Of(op),
            ByContent = OpDigest.Of(Moved(op)),
            Inputs = [.. Enumerable.Range(0, inputCount).Select(ContentOf)],
        };
    }

    public CacheMap<OpResult> CacheMap { get; }

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        ImmutableArray<SnapshotLayer> below = await inputs[0].LayersAsync(cancellationToken);
        if (await MakesOnlyWhatIsThereAsync(below, cancellationToken)) return new Snapshot(below).Append(new PlanLayer([]) { Created = _time.GetUtcNow() });
        IFileTree root = below.IsEmpty ? EmptyTree.Instance : await inputs[0].TreeAsync(cancellationToken);
        var editor = new TreeEditor(root, _op.CreatedTime ?? 0);
        foreach (FileAction action in _op.Actions) await ApplyAsync(editor, action, inputs, cancellationToken);
        return new Snapshot(below).Append(new PlanLayer(await editor.FinishAsync(cancellationToken)) { Created = _time.GetUtcNow() });
    }

    /// <summary>WORKDIR after COPY --link: when layers made here have the directory, nobody needs to look into the base, which may be far away.</summary>
    private async Task<bool> MakesOnlyWhatIsThereAsync(ImmutableArray<SnapshotLayer> layers, CancellationToken cancellationToken)
    {
        foreach (FileAction action in _op.Actions)
        {
            if (action is not MkDirAction directory) return false;
            for (ImagePath path = ImagePath.Normalize(directory.Path); !path.IsRoot; path = path.Parent)
            {
                if (!await IsDirectoryAsync(layers, path, cancellationToken)) return false;
            }
        }

        return true;
    }

    private static async Task<bool> IsDirectoryAsync(ImmutableArray<SnapshotLayer> layers, ImagePath path, CancellationToken cancellationToken)
    {
        for (int i = layers.Length - 1; i >= 0 && layers[i] is PlanLayer layer; i--)
        {
            LayerIndex index = await layer.GetIndexAsync(cancellationToken);
            if (index.Find(path) is >= 0 and var found) return index[found].Type == EntryType.Directory;
            for (ImagePath parent = path.Parent; !parent.IsRoot; parent = parent.Parent)
            {
                // Hidden by a whiteout or an opaque directory: the full look decides.
                if (index.Find(parent) is >= 0 and var above && index[above] is { Type: not EntryType.Directory } or { Opaque: true }) return false;
            }
        }

        return false;
    }

    // Input 0 is what is changed; it counts by its identity. The others count by what is copied from them.
    private ContentDigest<OpResult>? ContentOf(int input)
    {
        ImmutableArray<CopyAction> copies = [.. _op.Actions.OfType<CopyAction>().Where(copy => copy.Input == input)];
        if (input == 0 || copies.IsEmpty) return null;
        return async (result, cancellationToken) => await ContentDigests.OfCopiesAsync(await result.TreeAsync(cancellationToken), copies, cancellationToken);
    }

    // A directory that is moved together with its COPY gives the same; what a file is called may matter at the destination.
    private static FileOp Moved(FileOp op) => op with
    {
        Actions =
        [
            .. op.Actions.Select(action => action is CopyAction { Input: > 0, Parents: false } copy
                ? copy with { Sources = [.. copy.Sources.Select(source => source.TrimEnd('/').Split('/')[^1])] } : action),
        ],
    };

    private async Task ApplyAsync(TreeEditor editor, FileAction action, ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case CopyAction copy:
                (uint, uint)? owner = copy.Owner is null ? null : await ResolveAsync(editor, copy.Owner, inputs, cancellationToken);
                IFileTree source = copy.Input == 0 ? editor : await inputs[copy.Input].TreeAsync(cancellationToken);
                await new CopyPlanner(editor, source, copy, owner).CopyAsync(_unpacker, cancellationToken);
                break;
            case MkDirAction directory:
                (uint, uint)? maker = directory.Owner is null ? null : await ResolveAsync(editor, directory.Owner, inputs, cancellationToken);
                editor.MakeDirectories(directory.Path, directory.Mode, maker);
                break;
            case MkFileAction file:
                await MakeFileAsync(editor, file, inputs, cancellationToken);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"file action {action.GetType().Name}");
        }
    }

    private async Task MakeFileAsync(TreeEditor editor, MkFileAction file, ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        (uint Uid, uint Gid)? owner = file.Owner is null ? null : await ResolveAsync(editor, file.Owner, inputs, cancellationToken);
        ImagePath path = ImagePath.Normalize(file.Path);
        editor.MakeDirectories(path.Parent.Value, 0b111_101_101, owner);
        path = editor.Resolve(path);
        if (editor.Find(path) is { Type: EntryType.Directory })
        {
            throw new KimgException(ErrorCode.InvalidCopy, $"'{path}' is a directory") { Hint = "a heredoc needs the name of a file, or a directory ending in '/'" };
        }

        var entry = new TarEntry
        {
            Path = path,
            Type = EntryType.File,
            Mode = ModeChange.Parse(file.ModeText)?.Apply(file.Mode, directory: false) ?? file.Mode,
            Uid = owner?.Uid ?? 0,
            Gid = owner?.Gid ?? editor.GroupIn(path.Parent),
            Size = file.Content.Length,
            ModifiedSeconds = _op.CreatedTime ?? 0,
        };
        editor.Put(new PlanEntry(entry, new InlineBytes(file.Content)));
    }

    /// <summary>Names need a tree below them, even one without the files that hold names: on scratch and with --link there is none.</summary>
    private static async Task<(uint Uid, uint Gid)> ResolveAsync(
        TreeEditor editor, string owner, ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        if (!OwnerLookup.IsNumeric(owner) && (await inputs[0].LayersAsync(cancellationToken)).IsEmpty)
        {
            throw new KimgException(ErrorCode.InvalidCopy, $"--chown={owner}: there are no user names in an empty image")
            {
                Hint = "use numbers: --chown=1000:1000; with --link the image below is not looked at",
            };
        }

        return await OwnerLookup.ResolveAsync(editor, owner, cancellationToken);
    }
}
