using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Snapshots;

public sealed class LayerIndexTests
{
    [Theory]
    [InlineData("a=1 b a=22", "a b")]
    [InlineData("real/ link->real link/x", "link real real/x")]
    [InlineData("link->/../deep/down deep/down/ link/x/y", "deep/down deep/down/x/y link")]
    [InlineData("link->real link/x !link link/", "link real/x")]
    [InlineData("d/ d/x d", "d")]
    [InlineData("d !d", "d")]
    [InlineData("d/x !d", "d d/x")]
    public void Each_path_is_there_once_where_unpacking_would_put_it(string tar, string paths)
    {
        LayerIndex index = LayerIndexer.FromTar(new MemoryStream(Layers.Tar(tar.Split(' ')))).Index;
        Assert.Equal(paths, index.Entries.ToArray().Names());
    }

    [Theory]
    [InlineData("d d/x")]
    [InlineData("a->b b->a a/x")]
    public void Refuses_what_cannot_be_unpacked(string tar)
    {
        var error = Assert.Throws<KimgException>(() => LayerIndexer.FromTar(new MemoryStream(Layers.Tar(tar.Split(' ')))));
        Assert.Equal(ErrorCode.UnsafeArchive, error.Code);
    }

    [Fact]
    public void Offsets_point_at_the_last_bytes_of_each_path_and_the_diff_id_is_that_of_the_whole_tar()
    {
        byte[] tar = [.. Layers.Tar("a=first", "b=other", "a=second"), .. new byte[5000]];
        (LayerIndex index, Digest diffId) = LayerIndexer.FromTar(new MemoryStream(tar));

        Assert.Equal(Digest.Sha256(tar), diffId);
        Assert.Equal("second"u8.ToArray(), tar.AsSpan((int)index.OffsetAt(0), (int)index[0].Size).ToArray());
    }

    [Fact]
    public void An_index_survives_its_file()
    {
        using var directory = new TempDirectory();
        var xattrs = ImmutableSortedDictionary<string, ImmutableArray<byte>>.Empty.Add("security.capability", [1, 0, 255]).Add("user.é", []);
        TarEntry[] entries =
        [
            new() { Path = ImagePath.Normalize("a"), Type = EntryType.Directory, Mode = 0xFFF, Opaque = true, ModifiedSeconds = -5 },
            new() { Path = ImagePath.Normalize("a/\uDCFF\uDCC3x"), Type = EntryType.File, Size = long.MaxValue, Uid = uint.MaxValue, Gid = 1, Xattrs = xattrs },
            new() { Path = ImagePath.Normalize("a/\uDCFF\uDCC3y"), Type = EntryType.File, ModifiedSeconds = long.MaxValue, Xattrs = xattrs },
            new() { Path = ImagePath.Normalize("b-\U0001F600"), Type = EntryType.Symlink, LinkTarget = "/x/\uDC80" },
            new() { Path = ImagePath.Normalize("b-\U0001F601"), Type = EntryType.CharDevice, DeviceMajor = 5, DeviceMinor = 300 },
            new() { Path = ImagePath.Normalize("c"), Type = EntryType.Whiteout },
        ];
        Array.Sort(entries, (a, b) => a.Path.CompareTo(b.Path));
        File.WriteAllBytes(directory["i"], LayerIndexFile.Encode(new LayerIndex(entries, [-1, 512, 1L << 40, -1, -1, -1])));

        LayerIndex loaded = LayerIndexFile.TryLoad(directory["i"])!;
        Assert.Equal(entries.Select(Comparable), loaded.Entries.ToArray().Select(Comparable));
        Assert.Equal(1L << 40, loaded.OffsetAt(2));
        Assert.Same(loaded[1].Xattrs, loaded[2].Xattrs);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(-1)]
    public void A_damaged_file_is_as_good_as_none(int at)
    {
        byte[] file = LayerIndexFile.Encode(new LayerIndex([Layers.Entry("some/file=x").Entry]));
        file[at < 0 ? file.Length + at : at] ^= 1;
        Assert.Null(LayerIndexFile.Decode(file));
        Assert.Null(LayerIndexFile.Decode(file.AsSpan(0, 10)));
        Assert.Null(LayerIndexFile.TryLoad("/nowhere/at/all"));
    }

    [Fact]
    public void A_hundred_thousand_entries_take_less_than_thirty_megabytes()
    {
        TarEntry[] entries = [.. Enumerable.Range(0, 100_000)
            .Select(i => Layers.Entry($"usr/lib/node_modules/package-{i / 50:D4}/dist/source-{i:D6}.js=x").Entry)];
        byte[] file = LayerIndexFile.Encode(new LayerIndex(entries, new long[entries.Length]));
        Assert.InRange(file.Length, 1, 4_000_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        LayerIndex loaded = LayerIndexFile.Decode(file)!;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 30_000_000);
        Assert.Equal(entries[99_999], loaded[99_999]);
    }

    private static (TarEntry, string) Comparable(TarEntry entry) => (entry with { Xattrs = null },
        entry.Xattrs is null ? "" : string.Join(';', entry.Xattrs.Select(x => x.Key + "=" + Convert.ToHexString(x.Value.AsSpan()))));
}
