using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

internal static class TreeExtensions
{
    private const int MaxLinks = 255;

    /// <summary>The path with symlinks followed within the root, as a process chrooted into the tree would; the last part too unless
    /// <paramref name="followLast"/> is false. From the first part that does not exist on, the rest is taken as it is written.</summary>
    /// <exception cref="KimgException">InvalidCopy: more than 255 symlinks.</exception>
    internal static ImagePath Resolve(this IFileTree tree, ImagePath path, bool followLast = true)
    {
        var pending = new Stack<string>(Enumerable.Reverse(path.Parts));
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
            if ((pending.Count == 0 && !followLast) || tree.Find(next) is not { Type: EntryType.Symlink } link)
            {
                at = next;
                continue;
            }

            if (++links > MaxLinks) throw new KimgException(ErrorCode.InvalidCopy, $"too many levels of symbolic links in '{path}'");
            if (link.LinkTarget!.StartsWith('/')) at = ImagePath.Root;
            foreach (string piece in Enumerable.Reverse(link.LinkTarget.Split('/'))) pending.Push(piece);
        }

        return at;
    }

    /// <summary>The entry at the path with all symlinks followed, or null.</summary>
    internal static TarEntry? FindFollowing(this IFileTree tree, ImagePath path) => tree.Find(tree.Resolve(path));

    /// <summary>The entry at the path (not for the root, not through symlinks) and everything below it, in path order.</summary>
    internal static IEnumerable<TarEntry> Walk(this IFileTree tree, ImagePath path)
    {
        if (tree.Find(path) is not { } start) yield break;
        if (!path.IsRoot) yield return start;
        if (start.Type != EntryType.Directory) yield break;

        var open = new Stack<(IReadOnlyList<TarEntry> Entries, int Next)>();
        open.Push((tree.Children(path), 0));
        while (open.TryPop(out var level))
        {
            if (level.Next == level.Entries.Count) continue;
            TarEntry entry = level.Entries[level.Next];
            open.Push((level.Entries, level.Next + 1));
            yield return entry;
            if (entry.Type == EntryType.Directory) open.Push((tree.Children(entry.Path), 0));
        }
    }
}
