using Kimg.Engine.Archive;
using Kimg.Engine.Graph;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Ops;

/// <summary>COPY as data: what is planned on top of what. Whole builds are compared with BuildKit's elsewhere.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_file_goes_into_a_directory_that_is_there() =>
        Assert.Equal(["app/ 755", "app/file 644 text"], await CopyAsync(Base("app/"), From("file=text"), "/file", "/app"));

    [Fact]
    public async Task A_file_takes_the_name_of_a_destination_that_is_not_there() =>
        Assert.Equal(["app 644 text"], await CopyAsync(Base(), From("file=text"), "/file", "/app"));

    [Fact]
    public async Task A_trailing_slash_makes_a_directory() =>
        Assert.Equal(["app/ 755", "app/file 644 text"], await CopyAsync(Base(), From("file=text"), "/file", "/app/"));

    [Fact]
    public async Task A_directory_gives_its_contents_not_itself() =>
        Assert.Equal(["app/ 755", "app/a 644 1", "app/b/ 755", "app/b/c 644 2"], await CopyAsync(Base(), From("d/a=1", "d/b/c=2"), "/d", "/app"));

    [Fact]
    public async Task A_symlinked_destination_is_followed_within_the_root() =>
        Assert.Equal(["run/ 755", "run/file 644 text"], await CopyAsync(Base("run/", "var/", "var/run>../../../run"), From("file=text"), "/file", "/var/run/"));

    [Fact]
    public async Task A_wildcard_takes_what_it_matches() =>
        Assert.Equal(["app/ 755", "app/a.txt 644 1", "app/b.txt 644 2"], await CopyAsync(Base(), From("a.txt=1", "b.txt=2", "c.md=3"), "/*.txt", "/app/"));

    [Fact]
    public async Task Parents_keep_the_path_from_the_pivot_on() =>
        Assert.Equal(
            ["app/ 755", "app/b/ 755", "app/b/c 644 1"],
            await CopyAsync(Base(), From("a/b/c=1", "a/b/d=2"), "/a/./b/c", "/app/", copy => copy with { Parents = true }));

    [Fact]
    public async Task What_is_excluded_stays_away() =>
        Assert.Equal(
            ["app/ 755", "app/a.txt 644 1"],
            await CopyAsync(Base(), From("a.txt=1", "b.md=2"), "/", "/app/", copy => copy with { Excludes = ["*.md"] }));

    [Fact]
    public async Task Owner_and_mode_are_set_on_everything_made() =>
        Assert.Equal(
            ["app/ 700 7:8", "app/file 700 7:8 text"],
            await CopyAsync(Base(), From("file=text"), "/file", "/app/", copy => copy with { Owner = "7:8", Mode = "0700" }));

    [Fact]
    public async Task An_owner_by_name_is_looked_up_in_the_root() =>
        Assert.Equal(
            ["file 644 101:102 text"],
            await CopyAsync(Base("etc/", "etc/passwd=www:x:101:102::/:/bin/sh\n"), From("file=text"), "/file", "/file", copy => copy with { Owner = "www" }));

    [Fact]
    public async Task A_file_cannot_replace_a_directory()
    {
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => CopyAsync(Base("app/", "app/x/"), From("x=1"), "/x", "/app/"));

        Assert.Equal(ErrorCode.InvalidCopy, error.Code);
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_named()
    {
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => CopyAsync(Base(), From("a=1"), "/missing", "/"));

        Assert.Equal(ErrorCode.FileNotFoundInContext, error.Code);
        Assert.Contains("/missing", error.Message);
    }

    [Fact]
    public async Task A_tar_is_unpacked_by_ADD_and_told_by_its_content()
    {
        From("in/file=text");
        await HostProgram.MustAsync("tar", "-C", _directory["in"], "--owner=5", "--group=6", "--mtime=@7", "-czf", _directory["archive.bin"], "file");
        Directory.Delete(_directory["in"], recursive: true);

        Assert.Equal(["app/ 755", "app/file 644 5:6 text"], await CopyAsync(Base(), Source(), "/archive.bin", "/app", copy => copy with { Unpack = true }));
    }

    [Fact]
    public async Task The_same_files_give_the_same_layer_whatever_their_order()
    {
        var first = new TreeEditor(EmptyTree.Instance, 0);
        var second = new TreeEditor(EmptyTree.Instance, 0);
        foreach (string name in new[] { "a", "b" }) first.Put(Inline(name));
        foreach (string name in new[] { "b", "a" }) second.Put(Inline(name));

        Assert.Equal(new PlanLayer(await first.FinishAsync(default)).Id, new PlanLayer(await second.FinishAsync(default)).Id);
    }

    private async Task<string[]> CopyAsync(
        IFileTree root, IFileTree source, string from, string to, Func<CopyAction, CopyAction>? change = null)
    {
        var action = new CopyAction(1, [from], to) { FollowSymlinks = true };
        action = change?.Invoke(action) ?? action;
        var editor = new TreeEditor(root, createdTime: 0);
        (uint, uint)? owner = action.Owner is null ? null : await OwnerLookup.ResolveAsync(editor, action.Owner, CancellationToken.None);
        await new CopyPlanner(editor, source, action, owner).CopyAsync(new ArchiveUnpacker(_directory["spool"]), CancellationToken.None);
        var lines = new List<string>();
        foreach (PlanEntry planned in await editor.FinishAsync(default)) lines.Add(await DescribeAsync(planned));
        return [.. lines];
    }

    private static async Task<string> DescribeAsync(PlanEntry planned)
    {
        TarEntry e = planned.Entry;
        string owner = (e.Uid, e.Gid) == (0, 0) ? "" : $" {e.Uid}:{e.Gid}";
        string head = $"{e.Path.Value}{(e.Type == EntryType.Directory ? "/" : "")} {Convert.ToString(e.Mode, 8)}{owner}";
        if (planned.Source is null) return head;
        using var reader = new StreamReader(await planned.Source.OpenAsync(CancellationToken.None));
        return $"{head} {await reader.ReadToEndAsync()}";
    }

    // "dir/", "file=content", "link>target"
    private static TreeEditor Base(params string[] entries)
    {
        var editor = new TreeEditor(EmptyTree.Instance, 0);
        foreach (string entry in entries)
        {
            if (entry.EndsWith('/')) editor.MakeDirectories(entry, 0b111_101_101, null);
            else if (entry.Contains('>')) editor.Put(new PlanEntry(new TarEntry
            {
                Path = ImagePath.Normalize(entry.Split('>')[0]), Type = EntryType.Symlink, LinkTarget = entry.Split('>')[1], Mode = 0b111_111_111,
            }));
            else editor.Put(Inline(entry.Split('=')[0], entry.Split('=')[1]));
        }

        return editor;
    }

    private static PlanEntry Inline(string path, string text = "")
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        return new PlanEntry(
            new TarEntry { Path = ImagePath.Normalize(path), Type = EntryType.File, Mode = 0b110_100_100, Size = bytes.Length }, new InlineBytes(bytes));
    }

    private IFileTree From(params string[] files)
    {
        foreach (string file in files)
        {
            string path = _directory[file.Split('=')[0]];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, file.Split('=')[1]);
        }

        return Source();
    }

    private Kimg.Engine.Sources.ContextTree Source() => new(_directory.Path, null, new Kimg.Engine.Sources.ContextDigests(null, "", TimeProvider.System));
}
