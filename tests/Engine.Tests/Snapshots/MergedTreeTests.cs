using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Xunit;

namespace Kimg.Engine.Tests.Snapshots;

public sealed class MergedTreeTests
{
    [Theory]
    [InlineData("a/ a/x a/y", "!a/x", "a a/y")]
    [InlineData("a/ a/x", "!a", "")]
    [InlineData("a/ a/x", "a/! a/z", "a a/z")]
    [InlineData("a/ a/x", "a", "a")]
    [InlineData("a", "a/ a/x", "a a/x")]
    [InlineData("a/ a/x", "a->b", "a")]
    [InlineData("a/x/y/z", "a/q", "a a/q a/x a/x/y a/x/y/z")]
    [InlineData("a/x", "!missing !a/missing !no/where", "a a/x")]
    [InlineData("a/b a.b a/c", "a-b", "a a/b a/c a-b a.b")]
    [InlineData("a/x b", "!a !b a/new", "a a/new")]
    public async Task Lays_a_layer_over_another(string lower, string upper, string merged)
    {
        LayerIndex above = LayerIndexer.FromTar(new MemoryStream(Layers.Tar(upper.Split(' ')))).Index;
        var plan = new PlanLayer(above.Entries.ToArray().Select(e => new PlanEntry(e)));
        MergedTree tree = await Layers.MergeAsync(Layers.Plan(lower.Split(' ')), plan);

        Assert.Equal(merged, tree.Walk(ImagePath.Root).Names());
        Assert.All(tree.Walk(ImagePath.Root), e => Assert.Equal(e, tree.Find(e.Path)));
        Assert.All(tree.Walk(ImagePath.Root), e => Assert.Equal(e, Fresh(lower, plan).Result.Find(e.Path)));
    }

    [Fact]
    public async Task An_implied_directory_takes_the_metadata_below_and_else_the_default()
    {
        var secret = new TarEntry { Path = ImagePath.Normalize("secret"), Type = EntryType.Directory, Mode = 0x1C0, Uid = 7, ModifiedSeconds = 9 };
        MergedTree tree = await Layers.MergeAsync(new PlanLayer([new PlanEntry(secret)]), Layers.Plan("secret/in", "fresh/in"));

        Assert.Equal(secret, tree.Find(secret.Path));
        TarEntry fresh = tree.Find(ImagePath.Normalize("fresh"))!;
        Assert.Equal((0x1ED, 0u, 0u, 0L), (fresh.Mode, fresh.Uid, fresh.Gid, fresh.ModifiedSeconds));
    }

    [Fact]
    public async Task A_hard_link_across_layers_keeps_its_bytes_when_the_target_is_replaced()
    {
        PlanLayer bottom = Layers.Plan("file=old"), link = Layers.Plan("again=>file"), top = Layers.Plan("file=newer");

        MergedTree linked = await Layers.MergeAsync(bottom, link);
        TarEntry entry = linked.Find(ImagePath.Normalize("again"))!;
        Assert.Equal((EntryType.HardLink, "file", 3L), (entry.Type, entry.LinkTarget, entry.Size));

        MergedTree replaced = await Layers.MergeAsync(bottom, link, top);
        entry = replaced.Find(ImagePath.Normalize("again"))!;
        Assert.Equal((EntryType.File, null, 3L), (entry.Type, entry.LinkTarget, entry.Size));
        Assert.Equal("old", await replaced.ReadAsync("again"));
        Assert.Equal("newer", await replaced.ReadAsync("file"));
        Assert.Equal([Digest.Sha256("old"), Digest.Sha256("newer")],
            await replaced.HashAsync([entry, replaced.Find(ImagePath.Normalize("file"))!], default));
    }

    [Fact]
    public async Task Refuses_a_hard_link_to_nothing()
    {
        MergedTree tree = await Layers.MergeAsync(Layers.Plan("a=>b"));
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => tree.Find(ImagePath.Normalize("a"))).Code);
    }

    [Theory]
    [InlineData("bin/sh", "usr/bin/dash")]
    [InlineData("up/x", "usr/x")]
    [InlineData("out/etc", "etc")]
    [InlineData("usr/../bin/none/more", "usr/bin/none/more")]
    public async Task Resolves_symlinks_within_the_root(string path, string resolved)
    {
        MergedTree tree = await Layers.MergeAsync(Layers.Plan(
            "bin->usr/bin", "usr/bin/dash", "usr/bin/sh->/bin/dash", "up->usr/bin/..", "out->../../.."));
        Assert.Equal(resolved, tree.Resolve(Raw(path)).Value);
    }

    [Fact]
    public async Task A_loop_of_symlinks_is_an_error()
    {
        MergedTree tree = await Layers.MergeAsync(Layers.Plan("a->b", "b->a"));
        Assert.Throws<KimgException>(() => tree.Resolve(ImagePath.Normalize("a/x")));
        Assert.Equal("a", tree.Resolve(ImagePath.Normalize("a"), followLast: false).Value);
    }

    [Fact]
    public async Task A_large_tree_is_walked_in_linear_time()
    {
        SnapshotLayer[] layers = [.. Enumerable.Range(0, 5).Select(layer => (SnapshotLayer)new PlanLayer(Enumerable.Range(0, 40_000)
            .Select(i => new PlanEntry(new TarEntry { Path = ImagePath.Normalize($"d{i % 50}/s{i % 400}/f{i}-{layer}"), Type = EntryType.File }))))];
        MergedTree tree = await Layers.MergeAsync(layers);
        Assert.Equal(200_000 + 50 + 400, tree.Walk(ImagePath.Root).Count());
    }

    // Resolve must see ".." itself: lexical normalisation would hide what a symlink before it does.
    private static ImagePath Raw(string path) => ImagePath.Trusted(path);

    private static async Task<MergedTree> Fresh(string lower, PlanLayer upper) => await Layers.MergeAsync(Layers.Plan(lower.Split(' ')), upper);
}
