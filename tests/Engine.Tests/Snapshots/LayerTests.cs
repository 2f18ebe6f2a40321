using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Snapshots;

public sealed class LayerTests
{
    private readonly byte[] _tar = Layers.Tar("d/", "d/one=first", "d/two=second", "d/again=>d/one");

    [Theory]
    [InlineData(Compression.None)]
    [InlineData(Compression.Gzip)]
    public async Task An_image_layer_gives_its_files_and_its_original_tar(Compression compression)
    {
        using var state = new TempDirectory();
        BlobLayer layer = await Layers.BlobAsync(state.Path, _tar, compression);
        MergedTree tree = await Layers.MergeAsync(layer);

        Assert.Equal("second", await tree.ReadAsync("d/two"));
        Assert.Equal("first", await tree.ReadAsync("d/again"));
        Assert.Equal([Digest.Sha256("second")], await tree.HashAsync([tree.Find(ImagePath.Normalize("d/two"))!], default));
        using var output = new MemoryStream();
        await layer.WriteTarAsync(output, default);
        Assert.Equal(_tar, output.ToArray());
        Assert.Equal(compression == Compression.Gzip, File.Exists(Path.Combine(state.Path, "tars", layer.Id.Hex)));
    }

    [Fact]
    public async Task The_index_is_kept_and_then_the_blob_is_not_needed()
    {
        using var state = new TempDirectory();
        BlobLayer layer = await Layers.BlobAsync(state.Path, _tar);
        await layer.GetIndexAsync(default);
        foreach (string blob in Directory.GetFiles(Path.Combine(state.Path, "blobs"), "*", SearchOption.AllDirectories)) File.Delete(blob);

        var again = new BlobLayer(layer.Descriptor, layer.Id, null, new LayerStorage(null!, state.Path));
        Assert.Equal("d d/again d/one d/two", (await again.GetIndexAsync(default)).Entries.ToArray().Names());
    }

    [Fact]
    public async Task A_layer_that_unpacks_to_something_else_is_refused_and_leaves_nothing()
    {
        using var state = new TempDirectory();
        BlobLayer layer = await Layers.BlobAsync(state.Path, _tar, diffId: Digest.Sha256("other"));

        var error = await Assert.ThrowsAsync<KimgException>(async () => await layer.OpenAsync(Layers.Entry("d/one").Entry, default));
        Assert.Equal(ErrorCode.DigestMismatch, error.Code);
        Assert.False(Directory.Exists(Path.Combine(state.Path, "indexes")));
        Assert.Empty(Directory.GetFiles(Path.Combine(state.Path, "tars")));
    }

    [Fact]
    public async Task A_plan_writes_its_entries_in_order_and_is_what_it_holds()
    {
        PlanLayer plan = Layers.Plan("b/", "b/x=12", "a->b", "a.b"), same = Layers.Plan("a.b", "a->b", "b/x=12", "b/");
        using var output = new MemoryStream();
        await plan.WriteTarAsync(output, default);

        Assert.Equal(Layers.Tar("a->b", "a.b", "b/", "b/x=12"), output.ToArray());
        Assert.Equal(plan.Id, same.Id);
        Assert.NotEqual(plan.Id, Layers.Plan("b/", "b/x=13", "a->b", "a.b").Id);
        Assert.NotEqual(plan.Id, Layers.Plan("b/", "b/x=12", "a->c", "a.b").Id);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2_000_000)]
    public async Task A_file_that_changed_since_it_was_planned_fails_by_name(int size)
    {
        PlanLayer source = Layers.Plan($"src/file={new string('x', size)}");
        MergedTree tree = await Layers.MergeAsync(source);
        TarEntry file = tree.Find(ImagePath.Normalize("src/file"))!;
        TarEntry target = file with { Path = ImagePath.Normalize("app") };

        foreach ((TarEntry entry, Digest expected) in new[] { (target, Digest.Sha256("y")), (target with { Size = size - 1 }, source.Plan[0].Source!.Digest),
            (target with { Size = size + 1 }, source.Plan[0].Source!.Digest) })
        {
            var plan = new PlanLayer([new PlanEntry(entry, new TreeFile(tree, file, expected))]);
            var error = await Assert.ThrowsAsync<KimgException>(() => plan.WriteTarAsync(new MemoryStream(), default));
            Assert.Equal(ErrorCode.FileChangedDuringBuild, error.Code);
            Assert.Contains("'/src/file'", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Thousands_of_small_and_some_large_files_arrive_in_order()
    {
        string[] lines = [.. Enumerable.Range(0, 3000).Select(i => $"f{i:D5}={(i % 500 == 0 ? new string('l', 400_000) : $"content {i}")}")];
        MergedTree tree = await Layers.MergeAsync(Layers.Plan(lines));
        TarEntry[] files = [.. tree.Walk(ImagePath.Root)];
        IReadOnlyList<Digest> digests = await tree.HashAsync(files, default);
        var copy = new PlanLayer(files.Select((f, i) => new PlanEntry(f, new TreeFile(tree, f, digests[i]))));

        using var output = new MemoryStream();
        await copy.WriteTarAsync(output, default);
        Assert.True(Layers.Tar(lines).AsSpan().SequenceEqual(output.ToArray()));
    }
}
