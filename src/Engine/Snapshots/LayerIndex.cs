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

    /// <summary>Offset of the bytes of the entry at <paramref name="position"/> in the layer's tar.</summary>
    public long OffsetAt(int position) => _offsets?[position] ?? throw new InvalidOperationException("the layer is not a tar");
}
