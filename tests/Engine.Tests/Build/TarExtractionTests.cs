using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class TarExtractionTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private string Root => Directory.CreateDirectory(_directory["root"]).FullName;

    public void Dispose()
    {
        // .NET cannot remove a name that is not UTF-8.
        TreeRemover.Remove(_directory["source"]);
        TreeRemover.Remove(Root);
        _directory.Dispose();
    }

    [Fact]
    public async Task What_GNU_tar_packed_comes_out_the_same()
    {
        string source = Directory.CreateDirectory(_directory["source"]).FullName;
        await HostProgram.MustAsync("sh", "-c", $"""
            cd {source}; mkdir -p a/b; echo one > a/b/file; ln a/b/file a/name; ln -s b/file a/link; chmod 750 a/b; chmod 4755 a/name
            printf x > "$(printf 'caf\351')"; touch -h -d @1500000000 a/link a/b/file a/b a caf*
            tar -cJf {_directory["t.tar.xz"]} .
            """);
        Extract(File.ReadAllBytes(_directory["t.tar.xz"]));

        const string list = "find . -printf '%p %y %m %n %T@ %l\\n' | grep -v '^[.] ' | sed 's/caf.*/caf/' | sort; ls -b";
        Assert.Equal(
            await HostProgram.MustAsync("sh", "-c", $"cd {source}; {list}"), await HostProgram.MustAsync("sh", "-c", $"cd {Root}; {list}"));
    }

    [Fact]
    public void Nothing_is_written_through_a_symlink()
    {
        string outside = Directory.CreateDirectory(_directory["outside"]).FullName;
        Extract(Tar(
            (Link("out", EntryType.Symlink, outside), ""), (Entry("out/file"), "evil"),
            (Link("victim", EntryType.Symlink, Path.Combine(outside, "victim")), ""), (Entry("victim"), "evil")));

        Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
        Assert.Equal("evil", File.ReadAllText(Path.Combine(Root, "out", "file")));
    }

    [Fact]
    public void A_hard_link_never_leads_out()
    {
        File.WriteAllText(_directory["secret"], "secret");
        byte[] tar = Tar((Link("dir", EntryType.Symlink, _directory.Path), ""), (Link("leak", EntryType.HardLink, "dir/secret"), ""));

        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Extract(tar)).Code);
    }

    [Fact]
    public void A_later_entry_takes_the_place_of_a_directory()
    {
        Extract(Tar((Entry("a/b/file"), "x"), (Entry("a"), "now a file")));

        Assert.Equal("now a file", File.ReadAllText(Path.Combine(Root, "a")));
    }

    private static TarEntry Entry(string path) => new() { Path = ImagePath.Normalize(path), Type = EntryType.File, Mode = 0b110_100_100 };

    private static TarEntry Link(string path, EntryType type, string target) => Entry(path) with { Type = type, LinkTarget = target };

    private static byte[] Tar(params (TarEntry Entry, string Text)[] entries)
    {
        using var tar = new MemoryStream();
        var writer = new TarWriter(tar);
        foreach ((TarEntry entry, string text) in entries)
        {
            if (entry.Type == EntryType.File) writer.WriteEntry(entry with { Size = text.Length }, new MemoryStream(Encoding.UTF8.GetBytes(text)));
            else writer.WriteEntry(entry);
        }

        writer.Finish();
        return tar.ToArray();
    }

    private void Extract(byte[] tar) => TarExtraction.Extract(new MemoryStream(tar), Root, CancellationToken.None);
}
