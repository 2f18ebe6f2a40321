using System.Text;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class PullerTests : IDisposable
{
    private static readonly Platform s_amd64 = new("linux", "amd64");
    private static readonly Platform s_arm64 = new("linux", "arm64");

    private readonly TempDirectory _temp = new();
    private readonly ContentStore _store;
    private readonly RegistryClient _client = new(Scripts.Options);
    private readonly MemoryBlobs _blobs = new();

    public PullerTests() => _store = new ContentStore(_temp["store"]);

    public void Dispose()
    {
        _client.Dispose();
        _store.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Takes_the_platform_asked_for_and_no_layer_before_it_is_wanted()
    {
        TestImage wanted = TestImage.Create(_blobs, s_arm64, "arm"), other = TestImage.Create(_blobs, s_amd64, "intel");
        Descriptor index = TestImage.AddIndex(_blobs, (other.Manifest, s_amd64), (wanted.Manifest, s_arm64));
        using ScriptedServer registry = Serve(index);

        PulledImage image = await new Puller(_client, _store).PullAsync(registry.Name(), s_arm64, default);

        Assert.Equal(index.Digest, image.Resolved.Digest);
        Assert.Equal(wanted.Manifest.Digest, image.Manifest.Descriptor.Digest);
        Assert.Equal("arm64", image.Config.Architecture);
        Assert.Equal(
            [
                "HEAD /v2/app/manifests/1", $"GET /v2/app/manifests/{index.Digest}", $"GET /v2/app/manifests/{wanted.Manifest.Digest}",
                $"GET /v2/app/blobs/{wanted.Config.Digest}",
            ],
            registry.Lines);
    }

    [Fact]
    public async Task Asks_once_the_second_time_and_not_at_all_with_a_digest()
    {
        TestImage image = TestImage.Create(_blobs, s_amd64, "text");
        using ScriptedServer registry = Serve(image.Manifest);
        var puller = new Puller(_client, _store);
        await puller.PullAsync(registry.Name(), s_amd64, default);
        int before = registry.Requests.Count;

        await puller.PullAsync(registry.Name(), s_amd64, default);
        Assert.Equal(["HEAD /v2/app/manifests/1"], registry.Lines.Skip(before));

        await puller.PullAsync(registry.Name($"app@{image.Manifest.Digest}"), s_amd64, default);
        Assert.Equal(before + 1, registry.Requests.Count);
    }

    [Fact]
    public async Task Fetches_each_layer_once()
    {
        TestImage image = TestImage.Create(_blobs, s_amd64, "same", "same", "other");
        using ScriptedServer registry = Serve(image.Manifest);
        var puller = new Puller(_client, _store);
        PulledImage pulled = await puller.PullAsync(registry.Name(), s_amd64, default);

        await puller.FetchLayersAsync(pulled, image.Layers, null, default);

        Assert.Equal(2, registry.Lines.Count(l => image.Layers.Any(layer => l == $"GET /v2/app/blobs/{layer.Digest}")));
        Assert.All(image.Layers, layer => Assert.Equal(layer.Size, _store.Find(layer.Digest)));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"rootfs\":7}")]
    [InlineData("garbage")]
    public async Task Refuses_a_config_that_is_none(string json)
    {
        Descriptor config = _blobs.Add(MediaTypes.OciConfig, Encoding.UTF8.GetBytes(json));
        Descriptor manifest = TestImage.Add(_blobs, new Manifest { SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = config, Layers = [] });
        using ScriptedServer registry = Serve(manifest);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => new Puller(_client, _store).PullAsync(registry.Name(), s_amd64, default));

        Assert.Equal(ErrorCode.InvalidManifest, e.Code);
    }

    [Fact]
    public async Task Refuses_a_config_of_absurd_size_without_fetching_it()
    {
        var config = new Descriptor { MediaType = MediaTypes.OciConfig, Digest = Digest.Sha256("x"), Size = 1L << 39 };
        Descriptor manifest = TestImage.Add(_blobs, new Manifest { SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = config, Layers = [] });
        using ScriptedServer registry = Serve(manifest);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => new Puller(_client, _store).PullAsync(registry.Name(), s_amd64, default));

        Assert.Equal(ErrorCode.InvalidManifest, e.Code);
        Assert.DoesNotContain(registry.Lines, l => l.Contains("/blobs/", StringComparison.Ordinal));
    }

    // Tag 1 is the root; everything else by digest.
    private ScriptedServer Serve(Descriptor root) => new(request =>
    {
        string last = request.Path[(request.Path.LastIndexOf('/') + 1)..];
        Digest digest = last == "1" ? root.Digest : Digest.Parse(last);
        byte[] bytes = _blobs[digest];
        string type = request.Path.Contains("/blobs/", StringComparison.Ordinal) ? "application/octet-stream"
            : bytes.AsSpan().IndexOf("\"manifests\""u8) >= 0 ? MediaTypes.OciIndex : MediaTypes.OciManifest;
        return new ScriptedAnswer(200, bytes, ("Content-Type", type), ("Docker-Content-Digest", digest.ToString()));
    });
}
