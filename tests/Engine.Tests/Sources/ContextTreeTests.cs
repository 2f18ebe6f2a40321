using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Sources;

public sealed class ContextTreeTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ContextDigests _digests = new(null, "", TimeProvider.System);

    public void Dispose()
    {
        _digests.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Shows_files_directories_and_links_as_owned_by_root()
    {
        Write("a/file", "text");
        File.CreateSymbolicLink(_directory["link"], "a/file");
        using ContextTree tree = Open();

        Assert.Equal(["a", "a/file", "link"], Paths(tree));
        TarEntry file = tree.Find(ImagePath.Normalize("a/file"))!;
        Assert.Equal((EntryType.File, 4L, 0u, 0u), (file.Type, file.Size, file.Uid, file.Gid));
        Assert.Equal("a/file", tree.Find(ImagePath.Normalize("link"))!.LinkTarget);
        Assert.Equal("a/file", tree.Resolve(ImagePath.Normalize("link")).Value);
    }

    [Fact]
    public void Hides_what_the_ignore_file_names()
    {
        Write("keep", "");
        Write("drop.log", "");
        Write("node_modules/deep/file", "");
        using ContextTree tree = Open("*.log", "node_modules");

        Assert.Equal(["keep"], Paths(tree));
        Assert.Null(tree.Find(ImagePath.Normalize("node_modules/deep/file")));
    }

    [Fact]
    public void An_exception_brings_back_a_file_and_the_directories_above_it()
    {
        Write("src/a/keep.cs", "");
        Write("src/a/drop.cs", "");
        Write("other/file", "");
        using ContextTree tree = Open("*", "!src/a/keep.cs");

        Assert.Equal(["src", "src/a", "src/a/keep.cs"], Paths(tree));
    }

    [Fact]
    public async Task Names_of_one_file_are_hard_links()
    {
        Write("one", "x");
        await HostProgram.MustAsync("ln", _directory["one"], _directory["two"]);
        using ContextTree tree = Open();

        Assert.Equal(["one", "two"], Paths(tree));
        Assert.Equal((EntryType.HardLink, "one"), (tree.Find(ImagePath.Normalize("two"))!.Type, tree.Find(ImagePath.Normalize("two"))!.LinkTarget));
    }

    [Fact]
    public async Task A_digest_is_remembered_until_the_file_changes()
    {
        Write("file", "one");
        File.SetLastWriteTimeUtc(_directory["file"], DateTime.UtcNow.AddHours(-1));
        string memory = _directory["digests"];
        var time = new ManualTime { Now = DateTimeOffset.UtcNow.AddMinutes(1) };
        Assert.Equal(Digest.Sha256("one"), await HashAsync(memory, time));
        Assert.True(File.Exists(memory));

        // Content swapped behind the stamp's back: what is remembered is used.
        long length = new FileInfo(memory).Length;
        Assert.Equal(Digest.Sha256("one"), await HashAsync(memory, time));
        Assert.Equal(length, new FileInfo(memory).Length);

        Write("file", "two");
        Assert.Equal(Digest.Sha256("two"), await HashAsync(memory, time));
    }

    [Fact]
    public async Task A_file_of_digests_that_is_damaged_means_hashing_again()
    {
        Write("file", "one");
        await File.WriteAllBytesAsync(_directory["digests"], [2, 0x43, 0x44, 0x6b, 200, 200, 1]);

        Assert.Equal(Digest.Sha256("one"), await HashAsync(_directory["digests"], TimeProvider.System));
    }

    [Fact]
    public async Task A_file_just_written_is_not_remembered()
    {
        Write("file", "one");

        await HashAsync(_directory["digests"], TimeProvider.System);

        Assert.False(File.Exists(_directory["digests"]));
    }

    [Fact]
    public void A_missing_context_is_an_error_with_its_path()
    {
        KimgException error = Assert.Throws<KimgException>(() => new ContextTree(_directory["absent"], null, _digests));

        Assert.Equal(ErrorCode.ContextNotFound, error.Code);
        Assert.Contains("absent", error.Message);
    }

    private async Task<Digest> HashAsync(string memory, TimeProvider time)
    {
        using var digests = new ContextDigests(memory, Directory.CreateDirectory(_directory["ingest"]).FullName, time);
        using var tree = new ContextTree(_directory.Path, null, digests);
        IReadOnlyList<Digest> found = await tree.HashAsync([tree.Find(ImagePath.Normalize("file"))!], CancellationToken.None);
        digests.Save();
        return found[0];
    }

    private ContextTree Open(params string[] ignore) =>
        new(_directory.Path, ignore.Length == 0 ? null : PatternMatcher.Create([.. ignore]), _digests);

    private static string[] Paths(ContextTree tree) => [.. tree.Walk(ImagePath.Root).Select(e => e.Path.Value)];

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_directory[path])!);
        File.WriteAllText(_directory[path], text);
    }
}
