using System.Security.Cryptography;
using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>Digests of what an operation uses of a tree: names, types, modes, owners, link targets, xattrs and contents; not times.</summary>
internal static class ContentDigests
{
    /// <summary>Of everything the copies from one input take.</summary>
    public static async Task<Digest> OfCopiesAsync(IFileTree tree, IEnumerable<CopyAction> actions, CancellationToken cancellationToken)
    {
        var items = new List<(string Name, TarEntry Entry)>();
        int copy = 0;
        foreach (CopyAction action in actions)
        {
            copy++;
            foreach (SourceSelection selection in SourceSelection.Of(tree, action))
            {
                foreach (ImagePath root in selection.Roots)
                {
                    // A file keeps its name at the destination; a directory gives only its contents, unless --parents shows the whole path.
                    TarEntry followed = selection.Follow(root);
                    string name = followed.Type == EntryType.Directory ? "" : root.Name;
                    foreach (Selected item in selection.Walk(followed)) items.Add(($"{copy}\0{name}\0{item.Path.Value}", item.Entry));
                }
            }
        }

        return await OfAsync(tree, items, cancellationToken);
    }

    /// <summary>Of a path and all below it (bind mounts).</summary>
    public static Task<Digest> OfTreeAsync(IFileTree tree, ImagePath root, CancellationToken cancellationToken)
    {
        ImagePath resolved = tree.Resolve(root);
        return tree.Find(resolved) is null
            ? throw new KimgException(ErrorCode.FileNotFoundInContext, $"'{root}' not found")
            : OfAsync(tree, [.. tree.Walk(resolved).Select(entry => (entry.Path.Value[resolved.Value.Length..], entry))], cancellationToken);
    }

    private static async Task<Digest> OfAsync(IFileTree tree, List<(string Name, TarEntry Entry)> items, CancellationToken cancellationToken)
    {
        List<TarEntry> files = [.. items.Select(i => i.Entry).Where(e => e.Type is EntryType.File or EntryType.HardLink)];
        IReadOnlyList<Digest> contents = await tree.HashAsync(files, cancellationToken);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int next = 0;
        foreach ((string name, TarEntry entry) in items)
        {
            bool isFile = entry.Type is EntryType.File or EntryType.HardLink;
            hash.AppendData(PathText.Encode(name));
            hash.AppendData(Encoding.UTF8.GetBytes(
                $"\0{(isFile ? EntryType.File : entry.Type)} {entry.Mode} {entry.Uid}:{entry.Gid} {entry.DeviceMajor}:{entry.DeviceMinor} "
                + (isFile ? contents[next++].ToString() : entry.LinkTarget ?? "") + "\n"));
            if (entry.Xattrs is null) continue;
            foreach ((string key, System.Collections.Immutable.ImmutableArray<byte> value) in entry.Xattrs)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($" {key}={value.Length}:"));
                hash.AppendData(value.AsSpan());
            }
        }

        return Digest.FromSha256(hash.GetHashAndReset());
    }
}
