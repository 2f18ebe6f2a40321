using Kimg.Engine.Archive;
using Kimg.Engine.Exporters;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Tests.Archive;
using Kimg.Engine.Tests.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Exporters;

public sealed class RootfsExportTests : IDisposable
{
    private static readonly Platform s_amd64 = Platform.Parse("linux/amd64"), s_armv7 = Platform.Parse("linux/arm/v7");

    private readonly TempDirectory _temp = new();

    private string Out => _temp["out"];

    [Fact]
    public async Task A_tar_holds_the_merged_tree_and_links_follow_their_files()
    {
        IFileTree merged = await Layers.MergeAsync(Layers.Plan("a/", "a/b=hidden", "gone=x", "m=>z", "z=last"), Layers.Plan("!gone", "a/b=shown", "l->../m"));
        byte[] tar = await TarAsync((s_amd64, merged));
        Assert.Equal(
            [
                ("a", EntryType.Directory, ""), ("a/b", EntryType.File, "shown"),
                ("l", EntryType.Symlink, ""), ("m", EntryType.File, "last"), ("z", EntryType.HardLink, ""),
            ],
            Tars.Read(tar, TarDialect.Plain).Select(e => (e.Entry.Path.Value, e.Entry.Type, System.Text.Encoding.UTF8.GetString(e.Content))));
        await File.WriteAllBytesAsync(_temp["t.tar"], tar);
        Directory.CreateDirectory(Out);
        await HostProgram.MustAsync("tar", "-xf", _temp["t.tar"], "-C", Out);
        Assert.Equal("last", await File.ReadAllTextAsync(Path.Combine(Out, "z")));
    }

    [Fact]
    public async Task Several_platforms_go_into_directories_of_their_names()
    {
        IFileTree tree = await TreeAsync("f=x", "g=>f");
        byte[] tar = await TarAsync((s_amd64, tree), (s_armv7, tree));
        Assert.Equal(
            ["linux_amd64", "linux_amd64/f", "linux_amd64/g", "linux_arm_v7", "linux_arm_v7/f", "linux_arm_v7/g"],
            Tars.Read(tar).Select(e => e.Entry.Path.Value));
        Assert.Equal("linux_arm_v7/f", Tars.Read(tar)[5].Entry.LinkTarget);
        await LocalWriter.WriteAsync([(s_amd64, tree), (s_armv7, tree)], Out, default);
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(Out, "linux_arm_v7/g")));
    }

    [Fact]
    public async Task A_directory_gets_files_modes_times_and_links()
    {
        await LocalWriter.WriteAsync([(s_amd64, await TreeAsync("d/", "d/f=x", "d/g=>d/f", "s->/etc/passwd", "\uDCFFname=y"))], Out, default);
        string listing = await HostProgram.MustAsync("find", Out, "-mindepth", "1", "-printf", "%P %y %m %n %T@ %l\n");
        Assert.Equal(
            [
                "d d 755 2 1600000000.0000000000 ", "d/f f 644 2 1600000000.0000000000 ",
                "d/g f 644 2 1600000000.0000000000 ", "s l 777 1 1600000000.0000000000 /etc/passwd",
            ],
            listing.Split('\n').Where(l => l.StartsWith('d') || l.StartsWith('s')).Order(StringComparer.Ordinal));
        Assert.Equal("1\n", await HostProgram.MustAsync("sh", "-c", $"ls {Out}/$(printf '\\377')name | wc -l"));
        await HostProgram.MustAsync("rm", "-r", Out); // .NET cannot delete a name that is not UTF-8
    }

    [Fact]
    public async Task What_is_there_stays_and_what_is_in_the_way_is_replaced()
    {
        Directory.CreateDirectory(Path.Combine(Out, "d/was/deep"));
        Directory.CreateDirectory(_temp["outside"]);
        await File.WriteAllTextAsync(Path.Combine(Out, "d/mine"), "kept");
        await File.WriteAllTextAsync(Path.Combine(Out, "file"), "replaced");
        File.CreateSymbolicLink(Path.Combine(Out, "link"), _temp["outside"]);
        await LocalWriter.WriteAsync([(s_amd64, await TreeAsync("d/", "d/was=file", "file/", "file/x=1", "link/", "link/y=2"))], Out, default);
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(Out, "d/mine")));
        Assert.Equal("file", await File.ReadAllTextAsync(Path.Combine(Out, "d/was")));
        Assert.Equal("1", await File.ReadAllTextAsync(Path.Combine(Out, "file/x")));
        Assert.Equal("2", await File.ReadAllTextAsync(Path.Combine(Out, "link/y")));
        Assert.Empty(Directory.GetFileSystemEntries(_temp["outside"]));
    }

    [Fact]
    public async Task A_failure_leaves_the_directory_as_it_was()
    {
        Directory.CreateDirectory(Out);
        await File.WriteAllTextAsync(Path.Combine(Out, "a"), "old");
        IFileTree tree = new BreakingTree(await TreeAsync("a=new", "b=x"), "b");
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => LocalWriter.WriteAsync([(s_amd64, tree)], Out, default));
        Assert.Equal(ErrorCode.StorageFailed, error.Code);
        Assert.Equal(["a"], Directory.GetFileSystemEntries(Out).Select(Path.GetFileName));
        Assert.Equal("old", await File.ReadAllTextAsync(Path.Combine(Out, "a")));
    }

    [Fact]
    public async Task Read_only_directories_can_be_written_again()
    {
        TarEntry directory = Tars.Of("ro", EntryType.Directory) with { Mode = 0x16D };
        PlanLayer layer = new([new PlanEntry(directory, null), new PlanEntry(Layers.Entry("ro/f=x").Entry, new InlineBytes("x"u8.ToArray()))]);
        for (int i = 0; i < 2; i++) await LocalWriter.WriteAsync([(s_amd64, await Layers.MergeAsync(layer))], Out, default);
        Assert.Equal("555\n", await HostProgram.MustAsync("stat", "-c", "%a", Path.Combine(Out, "ro")));
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(Out, "ro/f")));
    }

    private static async Task<IFileTree> TreeAsync(params string[] lines) => await Layers.MergeAsync(Layers.Plan(lines));

    private static async Task<byte[]> TarAsync(params (Platform Platform, IFileTree Tree)[] trees)
    {
        using var output = new MemoryStream();
        await RootfsTarWriter.WriteAsync(trees, output, default);
        return output.ToArray();
    }

    public void Dispose() => _temp.Dispose();

    /// <summary>A tree of which one file cannot be read.</summary>
    private sealed class BreakingTree(IFileTree inner, string path) : IFileTree
    {
        public TarEntry? Find(ImagePath at) => inner.Find(at);

        public IReadOnlyList<TarEntry> Children(ImagePath directory) => inner.Children(directory);

        public Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken) =>
            file.Path.Value == path ? throw new IOException("the disk is gone") : inner.OpenAsync(file, cancellationToken);

        public Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken) =>
            inner.HashAsync(files, cancellationToken);
    }
}
