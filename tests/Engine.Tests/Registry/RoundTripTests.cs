using System.Diagnostics;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

/// <summary>Against a registry, and a client, that are not ours.</summary>
public sealed class RoundTripTests : IAsyncLifetime, IDisposable
{
    private static readonly Platform s_amd64 = new("linux", "amd64");
    private static readonly Platform s_arm64 = new("linux", "arm64");

    private readonly TempDirectory _temp = new();
    private readonly RegistryClient _client = new(new RegistryOptions { ChunkSize = 64 << 10 });
    private DebianRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await DebianRegistry.StartAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _client.Dispose();
        _registry.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Pulls_what_it_pushed()
    {
        TestImage image = TestImage.Create(new MemoryBlobs(), s_amd64, "one", "two");
        ImageReference name = Name("team/app:1");
        await PushAsync(image, name);

        using var store = new ContentStore(_temp["store"]);
        PulledImage pulled = await new Puller(_client, store).PullAsync(name, s_amd64, CancellationToken.None);

        Assert.Equal(image.Manifest.Digest, pulled.Resolved.Digest);
        Assert.Equal("amd64", pulled.Config.Architecture);
        var seen = new Dictionary<Digest, long>();
        await new Puller(_client, store).FetchLayersAsync(pulled, image.Layers, (d, n) => { lock (seen) seen[d.Digest] = n; }, CancellationToken.None);
        foreach (Descriptor layer in image.Layers)
        {
            Assert.Equal(layer.Size, store.Find(layer.Digest));
            Assert.Equal(layer.Size, seen[layer.Digest]);
        }
    }

    [Fact]
    public async Task Skopeo_reads_what_was_pushed_and_what_skopeo_pushed_is_read()
    {
        TestImage image = TestImage.Create(new MemoryBlobs(), s_amd64, "for skopeo");
        await PushAsync(image, Name("team/app:1"));

        Run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", $"docker://{_registry.Host}/team/app:1", $"docker://{_registry.Host}/copied:2");

        using JsonDocument inspected = JsonDocument.Parse(Run("skopeo", "inspect", "--tls-verify=false", $"docker://{_registry.Host}/copied:2"));
        Assert.Equal(image.Manifest.Digest.ToString(), inspected.RootElement.GetProperty("Digest").GetString());
        Descriptor resolved = await _client.ResolveAsync(Name("copied:2"), CancellationToken.None);
        ManifestDocument fetched = await _client.GetManifestAsync(Name("copied:2"), resolved, CancellationToken.None);
        Assert.Equal(image.Layers[0].Digest, fetched.Manifest!.Layers[0].Digest);
    }

    [Fact]
    public async Task Skopeo_finds_every_image_of_a_pushed_index()
    {
        var blobs = new MemoryBlobs();
        TestImage amd64 = TestImage.Create(blobs, s_amd64, "shared", "intel"), arm64 = TestImage.Create(blobs, s_arm64, "shared", "arm");
        Descriptor index = TestImage.AddIndex(blobs, (amd64.Manifest, s_amd64), (arm64.Manifest, s_arm64));
        await new Pusher(_client).PushAsync(
            new PushRequest { Names = [Name("multi:1"), Name("multi:2")], Root = index, Source = blobs }, CancellationToken.None);

        Run("skopeo", "copy", "--all", "--src-tls-verify=false", $"docker://{_registry.Host}/multi:2", $"oci:{_temp["layout"]}:x");

        foreach (Digest digest in new[] { index, amd64.Manifest, arm64.Manifest, arm64.Layers[1] }.Select(d => d.Digest))
            Assert.Equal(blobs[digest], File.ReadAllBytes(_temp[$"layout/blobs/sha256/{digest.Hex}"]));
        Assert.Equal(["1", "2"], (await _client.ListTagsAsync(Name("multi:1"), CancellationToken.None)).Order());
    }

    [Fact]
    public async Task Sends_a_large_blob_in_chunks_while_it_is_written_and_mounts_it_elsewhere()
    {
        byte[] bytes = Scripts.Bytes(1_000_000);
        Descriptor blob = Scripts.Blob(bytes);
        await using (BlobUpload upload = new BlobUploads(_client, Name("first")).Begin())
        {
            foreach (byte[] piece in bytes.Chunk(10_000)) await upload.Stream.WriteAsync(piece);
            Assert.Equal((blob.Digest, blob.Size), await upload.CommitAsync(null, CancellationToken.None));
        }

        var second = new BlobUploads(_client, Name("second"));
        Assert.False(await second.ExistsAsync(blob, CancellationToken.None));
        Assert.True(await second.TryMountAsync(blob, "first", CancellationToken.None));
        Assert.True(await second.ExistsAsync(blob, CancellationToken.None));
        Assert.False(await second.TryMountAsync(Scripts.Blob([9]), "first", CancellationToken.None));
        Assert.Equal(bytes, (await _client.GetBlobAsync(Name("second"), blob, CancellationToken.None)).ToArray());
    }

    [Fact]
    public async Task Copies_from_one_registry_to_another()
    {
        TestImage image = TestImage.Create(new MemoryBlobs(), s_amd64, "travels");
        await PushAsync(image, Name("here:1"));
        using DebianRegistry other = await DebianRegistry.StartAsync();
        ImageReference there = ImageReference.Parse($"{other.Host}/there:1");

        await new Pusher(_client).PushAsync(
            new PushRequest { Names = [there], Root = image.Manifest, Source = _client.BlobsOf(Name("here:1")) }, CancellationToken.None);

        Assert.Equal(image.Manifest.Digest, (await _client.ResolveAsync(there, CancellationToken.None)).Digest);
    }

    [Fact]
    public async Task Deletes_what_it_pushed()
    {
        TestImage image = TestImage.Create(new MemoryBlobs(), s_amd64, "short-lived");
        await PushAsync(image, Name("gone:1"));

        await _client.DeleteManifestAsync(Name($"gone@{image.Manifest.Digest}"), CancellationToken.None);

        Assert.Null(await _client.FindAsync(Name("gone:1"), CancellationToken.None));
    }

    [Fact]
    public async Task Logs_in_where_a_password_is_wanted()
    {
        // bcrypt of "geheim".
        using DebianRegistry closed = await DebianRegistry.StartAsync("me:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n");
        TestImage image = TestImage.Create(new MemoryBlobs(), s_amd64, "private");
        var push = new PushRequest { Names = [ImageReference.Parse($"{closed.Host}/app:1")], Root = image.Manifest, Source = image.Blobs };
        using var knows = new RegistryClient(Scripts.With("me", "geheim"));
        using var guesses = new RegistryClient(Scripts.With("me", "wrong"));

        await new Pusher(knows).PushAsync(push, CancellationToken.None);

        KimgException refused = await Assert.ThrowsAsync<KimgException>(() => guesses.ResolveAsync(push.Names[0], CancellationToken.None));
        KimgException anonymous = await Assert.ThrowsAsync<KimgException>(() => new Pusher(_client).PushAsync(push, CancellationToken.None));
        Assert.All([refused, anonymous], e => Assert.Equal(ErrorCode.AuthenticationFailed, e.Code));
        Assert.Contains("UNAUTHORIZED", refused.Message, StringComparison.Ordinal);
    }

    private Task PushAsync(TestImage image, ImageReference name) => new Pusher(_client).PushAsync(
        new PushRequest { Names = [name], Root = image.Manifest, Source = image.Blobs }, CancellationToken.None);

    private ImageReference Name(string rest) => ImageReference.Parse($"{_registry.Host}/{rest}");

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {errors.Result}");
        return output;
    }
}
