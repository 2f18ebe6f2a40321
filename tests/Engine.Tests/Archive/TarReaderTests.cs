using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

public sealed class TarReaderTests
{
    [Theory]
    [InlineData("v7")]
    [InlineData("oldgnu")]
    [InlineData("gnu")]
    [InlineData("ustar")]
    [InlineData("posix")]
    public void Reads_what_gnu_tar_writes_in_every_format(string format)
    {
        using var scratch = new ScratchDirectory();
        string name = format is "v7" or "ustar" ? "plain" : new string('x', 140);
        Directory.CreateDirectory(Path.Combine(scratch.Path, "t/sub"));
        scratch.File("t/" + name, "hello"u8.ToArray());
        Tars.Run(scratch.Path, "ln", "t/" + name, "t/zhard");
        Tars.Run(scratch.Path, "ln", "-s", name, "t/sym");
        Tars.Run(scratch.Path, "touch", "-d", "2001-02-03 04:05:06.7", "t/" + name);
        Tars.Run(scratch.Path, "tar", "--format=" + format, "--sort=name", "--owner=x:1234", "--group=y:99", "-cf", "a.tar", "t");
        var entries = Tars.Read(File.ReadAllBytes(Path.Combine(scratch.Path, "a.tar"))).ToDictionary(e => e.Entry.Path.Value);

        Assert.Equal(EntryType.Directory, entries["t/sub"].Entry.Type);
        (TarEntry file, byte[] content) = entries["t/" + name];
        Assert.Equal("hello"u8.ToArray(), content);
        Assert.Equal((1234u, 99u, 981173106), (file.Uid, file.Gid, file.ModifiedSeconds));
        Assert.Equal((EntryType.HardLink, "t/" + name), (entries["t/zhard"].Entry.Type, entries["t/zhard"].Entry.LinkTarget));
        Assert.Equal((EntryType.Symlink, name), (entries["t/sym"].Entry.Type, entries["t/sym"].Entry.LinkTarget));
    }

    [Theory]
    [InlineData("gnu", "")]
    [InlineData("posix", "--sparse-version=0.0")]
    [InlineData("posix", "--sparse-version=0.1")]
    [InlineData("posix", "--sparse-version=1.0")]
    public void Reads_sparse_files_of_every_version(string format, string version)
    {
        using var scratch = new ScratchDirectory();
        byte[] expected = new byte[3_000_000];
        using (FileStream file = File.Create(Path.Combine(scratch.Path, "sparse")))
        {
            file.SetLength(expected.Length);
            for (int i = 0; i < 30; i++)
            {
                file.Position = i * 90_112;
                file.WriteByte((byte)(i + 1));
                expected[i * 90_112] = (byte)(i + 1);
            }
        }

        scratch.File("after", "next"u8.ToArray());
        Tars.Run(scratch.Path, "tar", ["--format=" + format, "-S", .. version.Length > 0 ? [version] : Array.Empty<string>(), "-cf", "a.tar", "sparse", "after"]);
        byte[] tar = File.ReadAllBytes(Path.Combine(scratch.Path, "a.tar"));
        Assert.True(tar.Length < 1_000_000, "the file system kept no holes");
        var entries = Tars.Read(tar);

        Assert.Equal("sparse", entries[0].Entry.Path.Value);
        Assert.Equal(expected.Length, entries[0].Entry.Size);
        Assert.True(expected.AsSpan().SequenceEqual(entries[0].Content));
        Assert.Equal("next"u8.ToArray(), entries[1].Content);
    }

    [Fact]
    public void Reads_python_pax_with_global_headers_which_local_ones_override()
    {
        using var scratch = new ScratchDirectory();
        Tars.Run(scratch.Path, "python3", "-c", """
            import tarfile, io
            t = tarfile.open("a.tar", "w", format=tarfile.PAX_FORMAT, pax_headers={"mtime": "77.9", "SCHILY.xattr.user.g": "glob"})
            m = tarfile.TarInfo("one"); m.size = 3; m.mtime = 5
            t.addfile(m, io.BytesIO(b"abc"))
            m = tarfile.TarInfo("d/" + "ü" * 90); m.pax_headers = {"mtime": "-3.5", "SCHILY.xattr.user.l": "loc"}
            t.addfile(m); t.close()
            """);
        var entries = Tars.Read(File.ReadAllBytes(Path.Combine(scratch.Path, "a.tar")));
        Assert.Equal(77, entries[0].Entry.ModifiedSeconds);
        Assert.Equal("glob"u8.ToArray(), entries[0].Entry.Xattrs!["user.g"]);
        Assert.Equal("d/" + new string('ü', 90), entries[1].Entry.Path.Value);
        Assert.Equal(-4, entries[1].Entry.ModifiedSeconds);
        Assert.Equal(["user.g", "user.l"], entries[1].Entry.Xattrs!.Keys);
    }

    [Fact]
    public void Reads_extended_attributes_of_bsdtar()
    {
        using var scratch = new ScratchDirectory();
        scratch.File("f", "x"u8.ToArray());
        Tars.Run(scratch.Path, "python3", "-c", "import os; os.setxattr('f', 'user.näme', b'\\0\\xff=1')");
        Tars.Run(scratch.Path, "bsdtar", "--format=pax", "--xattrs", "-cf", "a.tar", "f");
        TarEntry entry = Tars.Read(File.ReadAllBytes(Path.Combine(scratch.Path, "a.tar")))[0].Entry;
        Assert.Equal(new byte[] { 0, 0xff, (byte)'=', (byte)'1' }, entry.Xattrs!["user.näme"]);
    }

    [Fact]
    public void Content_offset_is_where_the_bytes_are_and_unread_content_is_skipped()
    {
        byte[] tar = Tars.Write((Tars.File(new string('l', 200), 3), "abc"u8.ToArray()), (Tars.File("b", 4), "defg"u8.ToArray()));
        foreach (Stream input in new[] { new MemoryStream(tar), (Stream)new TricklingStream(new MemoryStream(tar), 7) })
        {
            var reader = new TarReader(input);
            Assert.NotNull(reader.ReadNext());
            Assert.Equal("abc", Encoding.ASCII.GetString(tar, (int)reader.ContentOffset!, 3));
            Assert.Equal("b", reader.ReadNext()!.Path.Value);
            Assert.Equal("defg", Encoding.ASCII.GetString(tar, (int)reader.ContentOffset!, 4));
            Assert.Null(reader.ReadNext());
        }
    }

    [Fact]
    public void Whiteouts_are_decoded_in_layers_and_names_elsewhere()
    {
        byte[] tar = Tars.Write(Tars.Of("d", EntryType.Directory) with { Opaque = true }, Tars.Of("d/gone", EntryType.Whiteout), Tars.File(".wh..wh.plnk/12"));
        TarEntry[] layer = [.. Tars.Read(tar).Select(e => e.Entry)];
        Assert.Equal([("d", EntryType.Directory, false), ("d", EntryType.Whiteout, true), ("d/gone", EntryType.Whiteout, false)],
            layer.Select(e => (e.Path.Value, e.Type, e.Opaque)));
        Assert.Equal(["d", "d/.wh..wh..opq", "d/.wh.gone", ".wh..wh.plnk/12"],
            Tars.Read(tar, TarDialect.Plain).Select(e => e.Entry.Path.Value));
    }

    [Theory]
    [InlineData("../x", "climbs")]
    [InlineData("a/../../x", "climbs")]
    [InlineData("/../etc/passwd", "climbs")]
    public void Refuses_an_entry_that_climbs_out_of_the_root(string name, string why)
    {
        byte[] tar = RawTar(name, '0', "");
        KimgException error = Assert.Throws<KimgException>(() => Tars.Read(tar));
        Assert.Equal(ErrorCode.UnsafeArchive, error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/etc//./x/", "etc/x")]
    [InlineData("./a/b/../c", "a/c")]
    [InlineData("a\\..\\b", "a\\..\\b")]
    [InlineData("./", "")]
    [InlineData("/", "")]
    public void Names_become_normal_paths_below_the_root(string name, string path) =>
        Assert.Equal(path, Tars.Read(RawTar(name, '5', ""))[0].Entry.Path.Value);

    [Theory]
    [InlineData("../../etc/shadow")]
    [InlineData("")]
    [InlineData("h")]
    public void Refuses_hard_links_that_leave_the_root_or_link_to_nothing(string target) =>
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Tars.Read(RawTar("h", '1', target))).Code);

    [Fact]
    public void A_symlink_keeps_its_text_wherever_it_points() =>
        Assert.Equal("../../../etc", Tars.Read(RawTar("s", '2', "../../../etc"))[0].Entry.LinkTarget);

    [Fact]
    public void Refuses_a_wrong_checksum_and_says_where()
    {
        byte[] tar = Tars.Write(Tars.File("a"), Tars.File("b"));
        tar[512] ^= 1;
        KimgException error = Assert.Throws<KimgException>(() => Tars.Read(tar));
        Assert.Contains("byte 512", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(600)]
    [InlineData(1023)]
    public void Refuses_an_archive_that_was_cut_off(int length)
    {
        byte[] tar = Tars.Write((Tars.File("a", 600), new byte[600]));
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Tars.Read(tar[..length])).Code);
    }

    [Fact]
    public void Refuses_extended_headers_without_end_before_reading_them()
    {
        byte[] tar = RawTar("x", 'x', "", size: (1 << 20) + 1);
        KimgException error = Assert.Throws<KimgException>(() => new TarReader(new MemoryStream(tar)).ReadNext());
        Assert.Contains("1048577", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_an_unknown_type() =>
        Assert.Contains("0x5a", Assert.Throws<KimgException>(() => Tars.Read(RawTar("a", 'Z', ""))).Message, StringComparison.Ordinal);

    /// <summary>One header as written, with a right checksum, no content, no end.</summary>
    internal static byte[] RawTar(string name, char type, string link, long size = 0)
    {
        byte[] block = new byte[512];
        Encoding.UTF8.GetBytes(name).CopyTo(block, 0);
        Encoding.ASCII.GetBytes("0000644\00000000\00000000\0" + Convert.ToString(size, 8).PadLeft(11, '0') + "\000000000000\0").CopyTo(block, 100);
        block[156] = (byte)type;
        Encoding.ASCII.GetBytes(link).CopyTo(block, 157);
        "ustar\000"u8.CopyTo(block.AsSpan(257));
        Encoding.ASCII.GetBytes(Convert.ToString(TarFormat.Sum(block).Unsigned, 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }
}
