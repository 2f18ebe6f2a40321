using System.Buffers.Text;
using System.Collections.Immutable;

namespace Kimg.Engine.Archive;

/// <summary>Where a sparse file has data (GNU tar manual, "Storing Sparse Files").</summary>
/// <param name="Size">The file's size, holes included.</param>
internal sealed record SparseMap(long Size, ImmutableArray<SparseRegion> Regions)
{
    private const int OldRegionSize = 24;

    /// <summary>Reads the map of a sparse file from its header, the blocks after it or its records; null for other files.</summary>
    /// <param name="header">The header's block; used up.</param>
    internal static SparseMap? Read(TarRawHeader raw, TarFields fields, TarInput input, byte[] header) =>
        raw.Type == TarFormat.GnuSparse ? ReadOld(raw.Offset, input, header)
        : fields.Sparse is not { } records ? null
        : fields.SparseMapInData
            ? Create(ReadInData(raw.Offset, fields.StoredSize, input, header), records.Number("GNU.sparse.realsize", raw.Offset), raw.Offset)
        : Create(records.Sparse00.Count > 0 ? records.Sparse00 : ParseList(records["GNU.sparse.map"]!, raw.Offset),
            records.Number("GNU.sparse.size", raw.Offset), raw.Offset);

    internal void CheckStored(long stored, long offset)
    {
        long sum = 0;
        foreach (SparseRegion region in Regions) sum += region.Length;
        if (sum != stored) throw TarFormat.Damaged(offset, $"a sparse file with {stored} bytes instead of {sum}");
    }

    // Four regions in the header (from byte 386), then as many blocks of 21 as their flag says.
    private static SparseMap ReadOld(long offset, TarInput input, byte[] block)
    {
        long size = TarRawHeader.Number(block.AsSpan(483, 12), offset, "sparse size");
        var numbers = new List<long>();
        bool more = AddRegions(block.AsSpan(386), 4);
        for (int read = 0; more; read += TarFormat.BlockSize)
        {
            if (read > TarFormat.MaxSpecialSize) throw TarFormat.Unsafe(offset, "a sparse map that is too long");
            input.ReadExactly(block);
            more = AddRegions(block, 21);
        }

        return Create(numbers, size, offset);

        bool AddRegions(ReadOnlySpan<byte> regions, int count)
        {
            bool extended = regions[count * OldRegionSize] != 0;
            for (int i = 0; i < count && regions[i * OldRegionSize] != 0; i++)
            {
                numbers.Add(TarRawHeader.Number(regions.Slice(i * OldRegionSize, 12), offset, "sparse offset"));
                numbers.Add(TarRawHeader.Number(regions.Slice(i * OldRegionSize + 12, 12), offset, "sparse length"));
            }

            return extended;
        }
    }

    // Lines: how many regions, then offset and length of each; padded to a block.
    private static List<long> ReadInData(long offset, long stored, TarInput input, byte[] block)
    {
        var numbers = new List<long>();
        long number = 0, wanted = 1;
        int digits = 0;
        for (long read = 0; numbers.Count < wanted; read += TarFormat.BlockSize)
        {
            if (read >= stored) throw TarFormat.Damaged(offset, "bad sparse map");
            if (read > TarFormat.MaxSpecialSize) throw TarFormat.Unsafe(offset, "a sparse map that is too long");
            input.ReadExactly(block);
            foreach (byte b in block)
            {
                if (numbers.Count == wanted) break;
                if (b is >= (byte)'0' and <= (byte)'9' && digits < 18) (number, digits) = (number * 10 + (b - '0'), digits + 1);
                else if (b != '\n' || digits == 0) throw TarFormat.Damaged(offset, "bad sparse map");
                else
                {
                    numbers.Add(number);
                    if (numbers.Count == 1)
                    {
                        if (number > TarFormat.MaxSpecialSize) throw TarFormat.Unsafe(offset, "a sparse map that is too long");
                        wanted = 1 + (2 * number);
                    }

                    (number, digits) = (0, 0);
                }
            }
        }

        numbers.RemoveAt(0);
        return numbers;
    }

    private static List<long> ParseList(ReadOnlySpan<byte> text, long offset)
    {
        var numbers = new List<long>();
        foreach (Range part in text.Split((byte)','))
        {
            if (!Utf8Parser.TryParse(text[part], out long number, out int used) || used != text[part].Length)
                throw TarFormat.Damaged(offset, "bad sparse map");
            numbers.Add(number);
        }

        return numbers;
    }

    private static SparseMap Create(List<long> numbers, long? size, long offset)
    {
        if (size is not >= 0 || numbers.Count % 2 != 0) throw TarFormat.Damaged(offset, "bad sparse map");
        var regions = ImmutableArray.CreateBuilder<SparseRegion>(numbers.Count / 2);
        long end = 0;
        for (int i = 0; i < numbers.Count; i += 2)
        {
            (long start, long length) = (numbers[i], numbers[i + 1]);
            if (start < end || length < 0 || length > size - start) throw TarFormat.Damaged(offset, "bad sparse map");
            end = start + length;
            if (length > 0) regions.Add(new SparseRegion(start, length));
        }

        return new SparseMap(size.Value, regions.ToImmutable());
    }
}
