using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Images built by different runners become one index; skopeo reads it.</summary>
public sealed class IndexTests : IAsyncLifetime
{
    private static readonly Platform s_amd64 = new("linux", "amd64"), s_arm64 = new("linux", "arm64");

    private readonly TempDirectory _temp = new();
    private readonly TestRegistry _registry = TestRegistry.Start();
    private ImageCommands _images = null!;

    public Task InitializeAsync()
    {
        _images = ImageCommands.Create(new BuilderOptions { StateDirectory = _temp["state"] });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _images.DisposeAsync();
        await _registry.DisposeAsync();
        _temp.Dispose();
    }

    [Fact]
    public async Task Two_images_of_a_repository_become_an_index_and_no_layer_moves()
    {
        Descriptor amd = await PushAsync("app:amd64", s_amd64), arm = await PushAsync("app:arm64", s_arm64);
        _registry.Requests.Clear();
        var byDigest = new RegistryLocation(Name("app") with { Tag = null, Digest = arm.Digest });
        ReadOnlyMemory<byte> bytes = await _images.CreateIndexAsync(new IndexRequest([At("app:amd64"), byDigest], [At("app:1")])
        {
            Annotations = [new Annotation("made.by", "two runners", "index"), new Annotation("cpu", "fast", "manifest-descriptor", s_arm64)],
        });
        Assert.DoesNotContain(_registry.Requests, r => r.StartsWith("GET", StringComparison.Ordinal) && Layers(r));
        Assert.DoesNotContain(_registry.Requests, r => r.StartsWith('P') && r.Contains("/blobs/", StringComparison.Ordinal));
        JsonNode index = JsonNode.Parse(await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{_registry.Host}/app:1"))!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(bytes.Span), index));
        Assert.Equal([amd.Digest.ToString(), arm.Digest.ToString()], index["manifests"]!.AsArray().Select(m => m!["digest"]!.GetValue<string>()));
        Assert.Equal(["amd64", "arm64"], index["manifests"]!.AsArray().Select(m => m!["platform"]!["architecture"]!.GetValue<string>()));
        Assert.Equal("two runners", index["annotations"]!["made.by"]!.GetValue<string>());
        Assert.Equal("fast", index["manifests"]![1]!["annotations"]!["cpu"]!.GetValue<string>());
    }

    [Fact]
    public async Task Images_of_other_repositories_are_mounted()
    {
        await PushAsync("one:1", s_amd64);
        await PushAsync("two:1", s_arm64);
        _registry.Requests.Clear();
        await _images.CreateIndexAsync(new IndexRequest([At("one:1"), At("two:1")], [At("both:1")]));
        Assert.DoesNotContain(_registry.Requests, r => r.StartsWith("GET", StringComparison.Ordinal) && Layers(r));
        await HostProgram.MustAsync("skopeo", "copy", "--all", "--src-tls-verify=false", $"docker://{_registry.Host}/both:1", $"dir:{_temp["out"]}");
    }

    [Fact]
    public async Task An_image_is_appended_and_replaces_the_one_of_its_platform()
    {
        await PushAsync("app:amd64", s_amd64);
        Descriptor first = await PushAsync("app:arm64", s_arm64), second = await PushAsync("app:new", s_arm64, "newer");
        await _images.CreateIndexAsync(new IndexRequest([At("app:amd64")], [At("app:1")]));
        await _images.CreateIndexAsync(new IndexRequest([At("app:arm64")], [At("app:1")]) { Append = true });
        Assert.Contains(first.Digest, await DigestsAsync("app:1"));
        await _images.CreateIndexAsync(new IndexRequest([At("app:new")], [At("app:1")]) { Append = true });
        Assert.Equal(2, (await DigestsAsync("app:1")).Length);
        Assert.Contains(second.Digest, await DigestsAsync("app:1"));
        KimgException two = await Assert.ThrowsAsync<KimgException>(() => _images.CreateIndexAsync(new IndexRequest([At("app:new"), At("app:arm64")], [At("app:2")])));
        Assert.Contains("two images for linux/arm64", two.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_is_annotated_and_a_dry_run_writes_nothing()
    {
        await PushAsync("app:amd64", s_amd64);
        await _images.CreateIndexAsync(new IndexRequest([At("app:amd64")], [At("app:1")]) { DryRun = true });
        await Assert.ThrowsAsync<KimgException>(() => _images.InspectAsync(At("app:1"), null));
        await _images.CreateIndexAsync(new IndexRequest([At("app:amd64")], [At("app:1")]));
        ImmutableArray<Digest> before = await DigestsAsync("app:1");
        await _images.AnnotateIndexAsync(At("app:1"), [new Annotation("k", "v", "index")]);
        Assert.Equal(before.AsEnumerable(), await DigestsAsync("app:1"));
        Assert.Contains("\"k\": \"v\"", Encoding.UTF8.GetString((await _images.InspectAsync(At("app:1"), null)).Document.Span), StringComparison.Ordinal);
        foreach (Annotation wrong in new[] { new Annotation("k", "v", "manifest"), new Annotation("k", "v", "manifest-descriptor", s_arm64) })
            await Assert.ThrowsAsync<KimgException>(() => _images.AnnotateIndexAsync(At("app:1"), [wrong]));
    }

    private async Task<ImmutableArray<Digest>> DigestsAsync(string name) =>
        [.. JsonNode.Parse((await _images.InspectAsync(At(name), null)).Document.Span)!["manifests"]!.AsArray().Select(m => Digest.Parse(m!["digest"]!.GetValue<string>()))];

    private async Task<Descriptor> PushAsync(string name, Platform platform, string text = "text")
    {
        var blobs = new MemoryBlobs();
        Descriptor manifest = TestImage.Create(blobs, platform, text, platform.ToString()).Manifest;
        using var client = new RegistryClient(new RegistryOptions());
        await new Pusher(client).PushAsync(new PushRequest { Names = [Name(name)], Root = manifest, Source = blobs }, CancellationToken.None);
        return manifest;
    }

    // Configurations are read for their platforms; they are small JSON documents.
    private bool Layers(string request)
    {
        string digest = request[(request.LastIndexOf(':') + 1)..], path = Path.Combine(_registry.Directory, "blobs", "sha256", digest);
        return request.Contains("/blobs/", StringComparison.Ordinal) && File.Exists(path) && File.ReadAllBytes(path)[0] != '{';
    }

    private ImageReference Name(string rest) => ImageReference.Parse($"{_registry.Host}/{rest}");

    private RegistryLocation At(string rest) => new(Name(rest));
}
