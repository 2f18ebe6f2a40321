using System.Text;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Exporters;

public sealed class ImageAssemblerTests
{
    private static readonly ImageConfig s_config = new() { Os = "linux", Architecture = "amd64" };

    [Fact]
    public async Task An_image_satisfies_the_specification_in_both_families()
    {
        using var images = new SampleImages();
        foreach (bool oci in new[] { true, false })
        {
            var options = new AssembleOptions
            {
                OciMediaTypes = oci, ManifestAnnotations = SampleImages.Map("a", "b"), DescriptorAnnotations = SampleImages.Map("c", "d"),
            };
            AssembledImage image = await images.MakeAsync(options, Engine.Archive.Compression.Zstd);
            await images.MustBeValidAsync(image.ToContent());
            Assert.Equal(oci ? "b" : null, image.Manifest.Annotations?["a"]);
            Assert.Equal("d", image.Descriptor.Annotations!["c"]);
        }
    }

    [Fact]
    public async Task An_index_lists_its_platforms_and_satisfies_the_specification()
    {
        using var images = new SampleImages();
        AssembledImage[] two = [await images.MakeAsync(), await images.MakeAsync(architecture: "arm64")];
        ExportContent index = ImageAssembler.Index(two, true, SampleImages.Map("i", "j"), SampleImages.Map("k", "l"));
        await images.MustBeValidAsync(index);
        Assert.Equal("l", index.Root.Annotations!["k"]);
        Assert.Contains("\"i\": \"j\"", Encoding.UTF8.GetString(index.Blobs[0].Bytes!.Value.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_history_is_added_and_superfluous_history_is_marked_empty()
    {
        HistoryEntry[] none = [.. ImageHistory.Normalize([], [Layer(1, 5), Layer(2, null)])];
        Assert.Equal(["created by buildkit", "created by buildkit"], none.Select(h => h.CreatedBy));
        Assert.Equal([5L, 5], none.Select(h => h.Created!.Value.Time.ToUnixTimeSeconds()));

        HistoryEntry[] many = [.. ImageHistory.Normalize([new(), new(), new()], [Layer(1, 5)])];
        Assert.Equal([null, true, true], many.Select(h => h.EmptyLayer));
    }

    [Fact]
    public void Empty_entries_take_the_time_of_the_first_new_layer_or_of_the_layer_before()
    {
        HistoryEntry[] history =
        [
            .. ImageHistory.Normalize(
                [
                    new HistoryEntry { Created = Timestamp.FromUnixSeconds(3) }, new HistoryEntry { EmptyLayer = true }, new HistoryEntry(),
                    new HistoryEntry { EmptyLayer = true },
                ],
                [Layer(1, null), Layer(2, 9)]),
        ];
        Assert.Equal([3L, 9, 9, 9], history.Select(h => h.Created!.Value.Time.ToUnixTimeSeconds()));
    }

    [Fact]
    public void An_epoch_clamps_what_is_new_and_leaves_the_history_of_the_base()
    {
        HistoryEntry old = new() { Created = Timestamp.FromUnixSeconds(900), CreatedBy = "base" };
        ImageConfig config = s_config with { Created = Timestamp.FromUnixSeconds(950), History = [old, new HistoryEntry { CreatedBy = "RUN" }] };
        AssembledImage image = ImageAssembler.Assemble(
            config, [Layer(1, null), Layer(2, 999)], new AssembleOptions { SourceDateEpoch = 7, Base = s_config with { History = [old] } });
        Assert.Equal([900L, 7], image.Config.History!.Value.Select(h => h.Created!.Value.Time.ToUnixTimeSeconds()));
        Assert.Equal(7, image.Config.Created!.Value.Time.ToUnixTimeSeconds());
    }

    [Fact]
    public void Without_a_time_of_its_own_an_image_is_as_old_as_its_last_layer()
    {
        AssembledImage image = ImageAssembler.Assemble(s_config, [Layer(1, 5), Layer(2, 8)], new AssembleOptions());
        Assert.Equal(8, image.Config.Created!.Value.Time.ToUnixTimeSeconds());
    }

    [Fact]
    public void Internal_annotations_of_layers_are_dropped_and_others_kept_in_oci_manifests()
    {
        ExportLayer layer = Layer(1, 5);
        var annotations = SampleImages.Map("containerd.io/uncompressed", "x").Add("containerd.io/distribution.source.r", "y").Add("mine", "z");
        layer = layer with { Descriptor = layer.Descriptor with { Annotations = annotations } };
        Assert.Equal(["mine"], ImageAssembler.Assemble(s_config, [layer], new()).Manifest.Layers[0].Annotations!.Keys);
        Assert.Null(ImageAssembler.Assemble(s_config, [layer], new() { OciMediaTypes = false }).Manifest.Layers[0].Annotations);
    }

    private static ExportLayer Layer(int number, long? created) => new(
        new Descriptor { MediaType = MediaTypes.OciLayerGzip, Digest = Digest.Sha256([(byte)number]), Size = 1 },
        Digest.Sha256([1, (byte)number]),
        Created: created is { } seconds ? Timestamp.FromUnixSeconds(seconds) : null);
}
