using System.Text;
using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Copies between a registry that is not ours, the embedded one, layouts and the store; skopeo reads what was written.</summary>
public sealed class ImageCommandsTests : IAsyncLifetime
{
    private static readonly Platform s_amd64 = new("linux", "amd64"), s_arm64 = new("linux", "arm64");

    private readonly TempDirectory _temp = new();
    private readonly TestRegistry _ours = TestRegistry.Start();
    private DebianRegistry _theirs = null!;
    private ImageCommands _images = null!;

    public async Task InitializeAsync()
    {
        _theirs = await DebianRegistry.StartAsync();
        _images = ImageCommands.Create(new BuilderOptions { StateDirectory = _temp["state"] });
    }

    public async Task DisposeAsync()
    {
        await _images.DisposeAsync();
        await _ours.DisposeAsync();
        _theirs.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task An_index_goes_from_registry_to_registry_bit_for_bit_and_leaves_nothing_in_the_store()
    {
        Descriptor root = await PushIndexAsync("team/app:1");
        Descriptor copied = await _images.CopyAsync(Theirs("team/app:1"), Ours("copy/app:2"), []);
        Assert.Equal(root.Digest, copied.Digest);
        Assert.Equal(root.Digest.ToString(), await SkopeoDigestAsync($"{_ours.Host}/copy/app:2"));
        Assert.Empty(Directory.GetFiles(_temp["state/blobs/sha256"]));
    }

    [Fact]
    public async Task One_platform_of_an_index_is_its_manifest()
    {
        await PushIndexAsync("team/app:1");
        Descriptor copied = await _images.CopyAsync(Theirs("team/app:1"), Ours("one:1"), [s_arm64]);
        ImageReport report = await _images.InspectAsync(Ours("one:1"), null);
        Assert.Equal(MediaTypes.OciManifest, copied.MediaType);
        Assert.Equal([s_arm64], report.Images.Select(i => i.Platform));
        KimgException missing = await Assert.ThrowsAsync<KimgException>(() => _images.CopyAsync(Theirs("team/app:1"), Ours("no:1"), [new Platform("linux", "s390x")]));
        Assert.Equal(ErrorCode.PlatformNotFound, missing.Code);
    }

    [Fact]
    public async Task Within_a_registry_layers_are_mounted_and_not_sent()
    {
        await PushIndexAsync("team/app:1");
        await _images.CopyAsync(Theirs("team/app:1"), Ours("first:1"), []);
        _ours.Requests.Clear();
        await _images.CopyAsync(Ours("first:1"), Ours("second:1"), []);
        Assert.DoesNotContain(_ours.Requests, request => request.StartsWith("PATCH", StringComparison.Ordinal)
            || (request.StartsWith("GET", StringComparison.Ordinal) && request.Contains("/blobs/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_was_pulled_is_named_tagged_and_pushed_without_its_origin()
    {
        Descriptor root = await PushIndexAsync("team/app:1");
        DebianRegistry origin = await DebianRegistry.StartAsync();
        var pulled = new StoreLocation(ImageReference.Parse($"{origin.Host}/team/app:1"));
        await _images.CopyAsync(Theirs("team/app:1"), new RegistryLocation(pulled.Reference), []);
        await _images.CopyAsync(new RegistryLocation(pulled.Reference), pulled, []);
        var other = ImageReference.Parse("mine:1");
        await _images.TagAsync(pulled.Reference, other);
        origin.Dispose();
        Assert.Equal(root.Digest, (await _images.CopyAsync(new StoreLocation(other), Ours("mine:1"), [])).Digest);
        KimgException unknown = await Assert.ThrowsAsync<KimgException>(() => _images.TagAsync(ImageReference.Parse("gone:1"), other));
        Assert.Equal(ErrorCode.ImageNotFound, unknown.Code);
    }

    [Fact]
    public async Task Layouts_are_read_by_skopeo_and_read_back()
    {
        Descriptor root = await PushIndexAsync("team/app:1");
        await _images.CopyAsync(Theirs("team/app:1"), new LayoutLocation(_temp["layout"], "v1"), []);
        await HostProgram.MustAsync(
            "skopeo", "copy", "--all", "--dest-tls-verify=false", $"oci:{_temp["layout"]}:v1", $"docker://{_ours.Host}/from/skopeo:1");
        Assert.Equal(root.Digest.ToString(), await SkopeoDigestAsync($"{_ours.Host}/from/skopeo:1"));
        Assert.Equal(root.Digest, (await _images.CopyAsync(new LayoutLocation(_temp["layout"], "v1"), Ours("from/layout:1"), [])).Digest);
        await Assert.ThrowsAsync<KimgException>(() => _images.CopyAsync(new LayoutLocation(_temp["layout"], "v2"), Ours("from/layout:2"), []));
    }

    [Fact]
    public async Task What_was_built_is_pushed_with_the_digest_that_was_built()
    {
        Directory.CreateDirectory(_temp["context"]);
        await File.WriteAllTextAsync(_temp["context/file"], "content");
        var request = new BuildRequest
        {
            Context = new DirectoryContext(_temp["context"]),
            DockerfileText = "FROM scratch\nCOPY file /\n",
            Names = [ImageReference.Parse("built:1")],
        };
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"] });
        BuildResult built = await builder.BuildAsync(request);
        await _images.CopyAsync(new StoreLocation(request.Names[0]), Theirs("built:1"), []);
        Assert.Equal(built.Root!.Digest.ToString(), await SkopeoDigestAsync($"{_theirs.Host}/built:1"));
        await builder.BuildAsync(request with { Outputs = [new OutputSpec { Type = OutputType.Oci, Tar = false, Destination = _temp["out"] }] });
        Assert.Equal(built.Root.Digest, (await _images.CopyAsync(new LayoutLocation(_temp["out"], null), Ours("built:2"), [])).Digest);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_archive_that_was_built_is_pushed_with_the_digest_that_was_built(bool severalPlatforms)
    {
        Directory.CreateDirectory(_temp["context"]);
        await File.WriteAllTextAsync(_temp["context/file"], "content");
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["other"] });
        BuildResult built = await builder.BuildAsync(new BuildRequest
        {
            Context = new DirectoryContext(_temp["context"]), DockerfileText = "FROM scratch\nCOPY file /\n", Names = [ImageReference.Parse("built:1")],
            Platforms = severalPlatforms ? [s_amd64, s_arm64] : [s_amd64], Outputs = [new OutputSpec { Type = OutputType.Oci, Destination = _temp["out.tar"] }],
        });
        Descriptor pushed = await _images.CopyAsync(new ArchiveLocation(_temp["out.tar"], null), Theirs("built:2"), []);
        Assert.Equal(built.Root!.Digest, pushed.Digest);
        Assert.Equal(built.Root.Digest.ToString(), await SkopeoDigestAsync($"{_theirs.Host}/built:2"));
        Assert.Equal(built.Root.Digest, (await _images.ResolveAsync(new ArchiveLocation(_temp["out.tar"], "1"))).Digest);
        KimgException missing = await Assert.ThrowsAsync<KimgException>(() => _images.ResolveAsync(new ArchiveLocation(_temp["out.tar"], "2")));
        Assert.Equal(ErrorCode.ImageNotFound, missing.Code);
    }

    [Fact]
    public async Task An_archive_of_skopeo_is_an_image_too()
    {
        Descriptor root = await PushIndexAsync("team/app:1");
        await HostProgram.MustAsync(
            "skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", $"docker://{_theirs.Host}/team/app:1", $"oci-archive:{_temp["theirs.tar"]}:v1");
        Assert.Equal(root.Digest, (await _images.CopyAsync(new ArchiveLocation(_temp["theirs.tar"], "v1"), Ours("from/archive:1"), [])).Digest);
    }

    [Theory]
    [InlineData("compressed", "compressed")]
    [InlineData("empty", "no OCI archive")]
    [InlineData("text", "")]
    [InlineData("truncated", "")]
    [InlineData("missing", "cannot be read")]
    public async Task What_is_no_archive_of_an_image_is_told(string kind, string words)
    {
        string path = _temp["x.tar"];
        await PushIndexAsync("team/app:1");
        await HostProgram.MustAsync("skopeo", "copy", "--all", "--src-tls-verify=false", $"docker://{_theirs.Host}/team/app:1", $"oci-archive:{path}:v1");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        if (kind == "compressed") await HostProgram.MustAsync("sh", "-c", $"gzip -c {path} >{path}.gz && mv {path}.gz {path}");
        else if (kind == "empty") await File.WriteAllBytesAsync(path, new byte[10240]);
        else if (kind == "text") await File.WriteAllTextAsync(path, new string('x', 2000));
        else if (kind == "truncated") await File.WriteAllBytesAsync(path, bytes[..(bytes.Length / 2)]);
        else File.Delete(path);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => _images.CopyAsync(new ArchiveLocation(path, null), Ours("bad:1"), []));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<KimgException>(() => _images.InspectAsync(Ours("bad:1"), null));
    }

    [Fact]
    public async Task Nothing_is_written_into_an_archive_that_is_there()
    {
        await PushIndexAsync("team/app:1");
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => _images.CopyAsync(Theirs("team/app:1"), new ArchiveLocation(_temp["new.tar"], null), []));
        Assert.Equal(ErrorCode.UnsupportedFeature, error.Code);
        Assert.Contains("type=oci,dest=", error.Hint, StringComparison.Ordinal);
        Assert.False(File.Exists(_temp["new.tar"]));
    }

    [Fact]
    public async Task A_base_that_was_never_fetched_is_pushed_from_where_it_is()
    {
        await PushIndexAsync("team/base:1");
        var request = new BuildRequest
        {
            Context = new EmptyContext(),
            DockerfileText = $"FROM {_theirs.Host}/team/base:1\nLABEL a=b\n",
            Platforms = [s_amd64],
            Names = [ImageReference.Parse("derived:1")],
        };
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"] });
        BuildResult built = await builder.BuildAsync(request);
        await _images.CopyAsync(new StoreLocation(request.Names[0]), Ours("derived:1"), []);
        Assert.Equal(built.Root!.Digest.ToString(), await SkopeoDigestAsync($"{_ours.Host}/derived:1"));
    }

    [Fact]
    public async Task A_blob_that_does_not_match_its_digest_is_not_copied()
    {
        await PushIndexAsync("team/app:1");
        await _images.CopyAsync(Theirs("team/app:1"), new LayoutLocation(_temp["layout"], "v1"), []);
        string layer = new DirectoryInfo(_temp["layout/blobs/sha256"]).GetFiles().First(f => File.ReadAllBytes(f.FullName) is [0x1f, ..]).FullName;
        byte[] bytes = await File.ReadAllBytesAsync(layer);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes);
        await Assert.ThrowsAsync<KimgException>(() => _images.CopyAsync(new LayoutLocation(_temp["layout"], "v1"), Ours("bad:1"), []));
        await Assert.ThrowsAsync<KimgException>(() => _images.InspectAsync(Ours("bad:1"), null));
    }

    private async Task<Descriptor> PushIndexAsync(string name)
    {
        var blobs = new MemoryBlobs();
        Descriptor root = TestImage.AddIndex(
            blobs, (TestImage.Create(blobs, s_amd64, "for amd64").Manifest, s_amd64), (TestImage.Create(blobs, s_arm64, "for arm64").Manifest, s_arm64));
        using var client = new RegistryClient(new RegistryOptions());
        await new Pusher(client).PushAsync(new PushRequest { Names = [Theirs(name).Reference], Root = root, Source = blobs }, CancellationToken.None);
        return root;
    }

    private static async Task<string> SkopeoDigestAsync(string name)
    {
        string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{name}");
        Assert.NotNull(JsonNode.Parse(raw));
        return Digest.Sha256(Encoding.UTF8.GetBytes(raw)).ToString();
    }

    private RegistryLocation Theirs(string rest) => new(ImageReference.Parse($"{_theirs.Host}/{rest}"));

    private RegistryLocation Ours(string rest) => new(ImageReference.Parse($"{_ours.Host}/{rest}"));
}
