using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

public sealed class TarWriterTests
{
    private static readonly string s_long = new('n', 130);

    [Fact]
    public void Gnu_tar_lists_every_kind_of_entry()
    {
        using var scratch = new ScratchDirectory();
        scratch.File("a.tar", EveryKind());
        string[] lines = Tars.Run(scratch.Path, "tar", "--numeric-owner", "--full-time", "-tvf", "a.tar").TrimEnd().Split('\n');

        Assert.Equal("drwxr-xr-x 0/0               0 2020-09-13 12:26:40 d/", lines[0]);
        Assert.Equal("-rwsr-xr-x 3000000/7         5 2020-09-13 12:26:40 d/f", lines[1]);
        Assert.Equal("hrw-r--r-- 0/0               0 2020-09-13 12:26:40 d/h link to d/f", lines[2]);
        Assert.EndsWith("d/s -> ../é", lines[3], StringComparison.Ordinal);
        Assert.StartsWith("crw-r--r-- 0/0             1,5 ", lines[4], StringComparison.Ordinal);
        Assert.StartsWith("prw-r--r-- 0/0               0 1969-12-31 23:59:58", lines[5], StringComparison.Ordinal);
        Assert.EndsWith("d/" + s_long, lines[6], StringComparison.Ordinal);
        Assert.EndsWith("d/.wh.gone", lines[7], StringComparison.Ordinal);
        Assert.EndsWith("d/o/.wh..wh..opq", lines[9], StringComparison.Ordinal);
        Assert.Equal(10, lines.Length);
    }

    [Fact]
    public void Python_reads_the_same_names_contents_and_attributes()
    {
        using var scratch = new ScratchDirectory();
        scratch.File("a.tar", EveryKind());
        string output = Tars.Run(scratch.Path, "python3", "-c", """
            import tarfile
            with tarfile.open("a.tar") as t:
                for m in t:
                    body = t.extractfile(m).read().decode() if m.isreg() else ""
                    print(m.name, m.uid, m.gid, oct(m.mode), int(m.mtime), body, m.pax_headers.get("SCHILY.xattr.user.k", ""), sep="|")
            """);
        Assert.Contains("d/f|3000000|7|0o4755|1600000000|hello|v\n", output, StringComparison.Ordinal);
        Assert.Contains("d/p|0|0|0o644|-2||", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Bsdtar_extracts_it()
    {
        using var scratch = new ScratchDirectory();
        scratch.File("a.tar", Tars.Write((Tars.Of("d", EntryType.Directory), []), (Tars.File("d/" + s_long, 5), "hello"u8.ToArray()),
            (Tars.Of("d/hard", EntryType.HardLink, "d/" + s_long), [])));
        Tars.Run(scratch.Path, "bsdtar", "-xf", "a.tar");
        Assert.Equal("hello", File.ReadAllText(Path.Combine(scratch.Path, "d/hard")));
    }

    [Fact]
    public void Plain_entries_are_ustar_without_extended_headers()
    {
        byte[] tar = Tars.Write(Tars.File("a/" + new string('b', 95)), Tars.File(new string('p', 150) + "/" + new string('q', 90)));
        Assert.Equal(4 * 512, tar.Length);
        Assert.Equal("ustar\u000000", Encoding.ASCII.GetString(tar, 257, 8));
        Assert.Equal(new string('p', 150), Encoding.ASCII.GetString(tar, 512 + 345, 150));
    }

    [Fact]
    public void Extended_headers_have_sorted_records_and_a_name_that_depends_on_nothing_else()
    {
        TarEntry entry = Tars.File("dir/ü") with
        {
            Uid = 5_000_000, ModifiedSeconds = -1, Xattrs = Tars.Xattrs(("user.z", [1]), ("user.a", [0, 10, 61])),
        };
        byte[] tar = Tars.Write(entry);
        Assert.Equal("dir/PaxHeaders.0", Encoding.ASCII.GetString(tar, 0, 16));
        Assert.Equal((byte)'x', tar[156]);
        string records = Encoding.Latin1.GetString(tar, 512, Convert.ToInt32(Encoding.ASCII.GetString(tar, 124, 11), 8));
        Assert.Equal("27 SCHILY.xattr.user.a=\0\n=\n25 SCHILY.xattr.user.z=\u0001\n12 mtime=-1\n15 path=dir/Ã¼\n15 uid=5000000\n", records);
    }

    [Fact]
    public void Sizes_of_eight_gibibytes_and_more_are_extended()
    {
        var output = new DiscardingStream();
        var writer = new TarWriter(output);
        writer.WriteEntry(Tars.File("big", 8L << 30), new ZeroStream(8L << 30));
        writer.Finish();
        Assert.Equal("19 size=8589934592\n", Encoding.ASCII.GetString(output.Head, 512, 19));
        Assert.Equal((8L << 30) + 5 * 512, output.Count);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void Content_that_is_not_as_long_as_the_entry_says_is_refused(int length)
    {
        var writer = new TarWriter(Stream.Null);
        var error = Assert.Throws<KimgException>(() => writer.WriteEntry(Tars.File("a/b", 5), new MemoryStream(new byte[length])));
        Assert.Equal(ErrorCode.FileChangedDuringBuild, error.Code);
        Assert.Contains("'/a/b'", error.Message, StringComparison.Ordinal);
    }

    private static byte[] EveryKind() => Tars.Write(
        (Tars.Of("d", EntryType.Directory) with { Mode = 0x1ED }, []),
        (Tars.File("d/f", 5, 0x9ED) with { Uid = 3_000_000, Gid = 7, Xattrs = Tars.Xattrs(("user.k", "v"u8.ToArray())) }, "hello"u8.ToArray()),
        (Tars.Of("d/h", EntryType.HardLink, "d/f"), []),
        (Tars.Of("d/s", EntryType.Symlink, "../é"), []),
        (Tars.Of("d/c", EntryType.CharDevice) with { DeviceMajor = 1, DeviceMinor = 5 }, []),
        (Tars.Of("d/p", EntryType.Fifo) with { ModifiedSeconds = -2 }, []),
        (Tars.File("d/" + s_long), []),
        (Tars.Of("d/gone", EntryType.Whiteout), []),
        (Tars.Of("d/o", EntryType.Directory) with { Opaque = true }, []));
}
