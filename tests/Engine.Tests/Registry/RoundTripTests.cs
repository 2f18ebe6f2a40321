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
    private DockerRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await DockerRegistry.StartAsync();

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
