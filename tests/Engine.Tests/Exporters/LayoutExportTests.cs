using System.Text.Json;
using Kimg.Engine.Archive;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Exporters;

public sealed class LayoutExportTests : IDisposable
{
    private readonly SampleImages _images = new();
    private readonly TempDirectory _temp = new();

    private static ImageReference Name(string name) => ImageReference.Parse(name);

    [Fact]
    public async Task Skopeo_copies_an_oci_directory_with_every_compression()
    {
        foreach (Compression compression in new[] { Compression.Gzip, Compression.Zstd, Compression.None })
        {
            AssembledImage image = await _images.MakeAsync(compression: compression, remote: compression == Compression.Gzip);
            string directory = _temp["oci-" + compression];
            await new OciLayoutWriter(_images.Blobs).WriteAsync(image.ToContent(), [Name("reg.example/a:1")], directory, default);
            await HostProgram.MustAsync("skopeo", "copy", "-q", $"oci:{directory}:1", $"dir:{_temp["dir-" + compression]}");
            Assert.Equal(image.ManifestBytes.ToArray(), await File.ReadAllBytesAsync(_temp[$"dir-{compression}/manifest.json"]));
        }
    }

    [Fact]
    public async Task Skopeo_inspects_an_oci_archive_and_the_same_image_gives_the_same_bytes()
    {
        AssembledImage image = await _images.MakeAsync();
        await ArchiveAsync(image.ToContent(), "a.tar", docker: false, Name("q:2"));
        await ArchiveAsync(image.ToContent(), "b.tar", docker: false, Name("q:2"));
        Assert.Equal(await File.ReadAllBytesAsync(_temp["a.tar"]), await File.ReadAllBytesAsync(_temp["b.tar"]));
        using JsonDocument inspected = JsonDocument.Parse(await HostProgram.MustAsync("skopeo", "inspect", "oci-archive:" + _temp["a.tar"] + ":2"));
        Assert.Equal(image.Descriptor.Digest.ToString(), inspected.RootElement.GetProperty("Digest").GetString());
        Assert.Equal("2023-11-14T22:13:20Z", inspected.RootElement.GetProperty("Created").GetString());
    }

    [Fact]
    public async Task Skopeo_reads_all_images_of_an_index()
    {
        AssembledImage[] two = [await _images.MakeAsync(), await _images.MakeAsync(architecture: "arm64")];
        ExportContent index = ImageAssembler.Index(two, true, null, null);
        await ArchiveAsync(index, "a.tar", docker: false);
        await HostProgram.MustAsync("skopeo", "copy", "-q", "--all", "oci-archive:" + _temp["a.tar"], "dir:" + _temp["all"]);
        Assert.Equal(index.Blobs[0].Bytes!.Value.ToArray(), await File.ReadAllBytesAsync(_temp["all/manifest.json"]));
        Assert.True(File.Exists(_temp["all/" + two[1].Manifest.Layers[1].Digest.Hex]));
    }

    [Fact]
    public async Task Skopeo_loads_a_docker_archive_by_name()
    {
        AssembledImage image = await _images.MakeAsync(new AssembleOptions { OciMediaTypes = false });
        await ArchiveAsync(image.ToContent(), "d.tar", docker: true, Name("app:1"), Name("reg.example/app:2"));
        foreach (string name in new[] { "app:1", "reg.example/app:2" })
        {
            string directory = _temp["out" + name.Length];
            await HostProgram.MustAsync("skopeo", "copy", "-q", $"docker-archive:{_temp["d.tar"]}:{name}", "dir:" + directory);
            using JsonDocument manifest = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(directory, "manifest.json")));
            Assert.Equal(image.Manifest.Config.Digest.ToString(), manifest.RootElement.GetProperty("config").GetProperty("digest").GetString());
        }
    }

    [Fact]
    public async Task A_docker_archive_of_several_platforms_is_refused()
    {
        ExportContent index = ImageAssembler.Index([await _images.MakeAsync(), await _images.MakeAsync(architecture: "arm64")], false, null, null);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => ArchiveAsync(index, "d.tar", docker: true));
        Assert.Equal(ErrorCode.UnsupportedFeature, error.Code);
        Assert.Empty(Directory.GetFileSystemEntries(_temp.Path));
    }

    [Fact]
    public async Task A_directory_keeps_other_images_and_replaces_the_one_of_the_same_name()
    {
        var writer = new OciLayoutWriter(_images.Blobs);
        AssembledImage one = await _images.MakeAsync(), two = await _images.MakeAsync(architecture: "arm64");
        string directory = _temp["layout"];
        await writer.WriteAsync(one.ToContent(), [Name("a:1"), Name("b:1")], directory, default);
        await writer.WriteAsync(two.ToContent(), [Name("a:1")], directory, default);
        await writer.WriteAsync(two.ToContent(), [], directory, default);
        await writer.WriteAsync(two.ToContent(), [], directory, default);
        ImageIndex index = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(Path.Combine(directory, "index.json")), OciJson.Default.ImageIndex)!;
        Assert.Equal(
            [("docker.io/library/b:1", one.Descriptor.Digest), ("docker.io/library/a:1", two.Descriptor.Digest), (null, two.Descriptor.Digest)],
            index.Manifests.Select(m => (m.Annotations!.GetValueOrDefault(LayoutIndex.ImageName), m.Digest)));
    }

    [Fact]
    public async Task A_blob_that_cannot_be_read_leaves_no_index_and_no_half_file()
    {
        AssembledImage image = await _images.MakeAsync();
        File.Delete(_images.Store.PathOf(image.Manifest.Layers[1].Digest));
        string directory = _temp["layout"];
        await Assert.ThrowsAsync<KimgException>(() => new OciLayoutWriter(_images.Blobs).WriteAsync(image.ToContent(), [], directory, default));
        Assert.False(File.Exists(Path.Combine(directory, "index.json")));
        await Assert.ThrowsAsync<KimgException>(() => ArchiveAsync(image.ToContent(), "a.tar", docker: false));
        Assert.False(File.Exists(_temp["a.tar"]));
        Assert.DoesNotContain(Directory.GetFiles(_temp.Path, "*", SearchOption.AllDirectories), f => Path.GetFileName(f).StartsWith('.'));
    }

    [Fact]
    public async Task A_foreign_index_json_is_not_overwritten()
    {
        string directory = Directory.CreateDirectory(_temp["layout"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, "index.json"), "my notes");
        AssembledImage image = await _images.MakeAsync();
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => new OciLayoutWriter(_images.Blobs).WriteAsync(image.ToContent(), [], directory, default));
        Assert.Equal(ErrorCode.InvalidOutput, error.Code);
        Assert.Equal("my notes", await File.ReadAllTextAsync(Path.Combine(directory, "index.json")));
    }

    private async Task ArchiveAsync(ExportContent content, string file, bool docker, params ImageReference[] names)
    {
        await using OutputFile output = OutputFile.Create(_temp[file]);
        await new ImageArchiveWriter(_images.Blobs).WriteAsync(content, names, docker, output.Stream, default);
        output.Commit();
    }

    public void Dispose()
    {
        _images.Dispose();
        _temp.Dispose();
    }
}
