using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>A layer's entries sorted by path, one per path (the last of a tar wins), with the offset of each regular file's bytes in the
/// uncompressed tar where there is one. Immutable.</summary>
public sealed class LayerIndex
{
    private readonly TarEntry[] _entries;
    private readonly long[]? _offsets;

    /// <param name="entries">Sorted by path, no path twice.</param>
    /// <param name="offsets">Parallel to the entries: where a file's bytes begin in the tar; null when the layer is not a tar.</param>
    public LayerIndex(TarEntry[] entries, long[]? offsets = null) => (_entries, _offsets) = (entries, offsets);

    public ReadOnlySpan<TarEntry> Entries => _entries;

    public int Count => _entries.Length;

    public TarEntry this[int position] => _entries[position];

    /// <summary>Position of the path, or the complement of where it would be.</summary>
    public int Find(ImagePath path)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = _entries[middle].Path.CompareTo(path);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    internal bool HasOffsets => _offsets is not null;

    /// <summary>Position of the first entry that is not below <paramref name="directory"/>, looking from <paramref name="start"/> on,
    /// where its subtree begins.</summary>
    internal int SubtreeEnd(ImagePath directory, int start)
    {
        if (directory.IsRoot) return _entries.Length;
        // Most subtrees are small: gallop before halving.
        int low = start, step = 1;
        while (low + step <= _entries.Length && directory.Contains(_entries[low + step - 1].Path)) (low, step) = (low + step, step * 2);
        int high = Math.Min(low + step - 1, _entries.Length);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (directory.Contains(_entries[middle].Path)) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    /// <summary>Offset of the bytes of the entry at <paramref name="position"/> in the layer's tar; -1 when they are not in one piece there (a
    /// sparse file) or it has none.</summary>
    public long OffsetAt(int position) => _offsets?[position] ?? throw new InvalidOperationException("the layer is not a tar");
}
