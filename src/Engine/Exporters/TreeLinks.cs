using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>Brings the hard links of a tree into an order in which a link comes after what it links to: of files that are one, the first becomes the file
/// and the others its links.</summary>
internal sealed class TreeLinks
{
    // The tree's name of a file → the path under which it was given out first.
    private readonly Dictionary<ImagePath, ImagePath> _first = [];

    internal TarEntry Order(TarEntry entry)
    {
        if (entry.Type == EntryType.File)
        {
            return _first.TryGetValue(entry.Path, out ImagePath earlier)
                ? entry with { Type = EntryType.HardLink, LinkTarget = earlier.Value, Size = 0 }
                : entry;
        }

        if (entry.Type != EntryType.HardLink) return entry;
        var target = ImagePath.Trusted(entry.LinkTarget!);
        if (target < entry.Path) return entry with { Size = 0 };
        if (_first.TryGetValue(target, out ImagePath first)) return entry with { LinkTarget = first.Value, Size = 0 };
        _first.Add(target, entry.Path);
        return entry with { Type = EntryType.File, LinkTarget = null };
    }
}
