using System.Formats.Tar;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Several outputs of one build.</summary>
public sealed class OutputTests : IAsyncLifetime
{
    private readonly TempDirectory _temp = new();
    private readonly TestRegistry _registry = TestRegistry.Start();
    private readonly List<BuildEvent> _events = [];

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(_temp["context"]);
        File.WriteAllText(_temp["context/file"], "content");
        File.WriteAllText(_temp["context/Dockerfile"], "FROM scratch\nCOPY file /\n");
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _temp.Dispose();
    }

    [Fact]
    public async Task All_forms_at_once_hold_the_same_image()
    {
        using var stdout = new MemoryStream();
        BuildResult result = await BuildAsync(stdout,
            To(OutputType.Image) with { Push = true }, To(OutputType.Oci, "image.tar"), To(OutputType.Oci, "layout") with { Tar = false },
            To(OutputType.Docker, "docker.tar") with { OciMediaTypes = false }, To(OutputType.Tar, "tree.tar"), To(OutputType.Local, "tree"),
            new OutputSpec { Type = OutputType.Tar, Destination = "-" });
        string digest = result.Root!.Digest.ToString();
        Assert.Equal(digest, (await SkopeoDigestAsync("--tls-verify=false", $"docker://{_registry.Host}/team/app:1")));
        Assert.Equal(digest, await SkopeoDigestAsync($"oci-archive:{_temp["image.tar"]}"));
        Assert.Equal(digest, await SkopeoDigestAsync($"oci:{_temp["layout"]}:1"));
        Assert.Contains("team/app:1", await File.ReadAllTextAsync(_temp["docker.tar"]), StringComparison.Ordinal);
        Assert.Equal("content", await File.ReadAllTextAsync(_temp["tree/file"]));
        Assert.Equal(await File.ReadAllBytesAsync(_temp["tree.tar"]), stdout.ToArray());
        stdout.Position = 0;
        Assert.Equal("file", (await new TarReader(stdout).GetNextEntryAsync())!.Name);
    }

    [Fact]
    public async Task Each_pushed_blob_is_done_once()
    {
        await BuildAsync(null, To(OutputType.Image) with { Push = true });
        string[] done = [.. _events.OfType<VertexProgress>().Where(p => p.Completed is not null).Select(p => p.Id)];
        Assert.Equal(done.Distinct(), done);
        Assert.Equal(2, done.Length); // the layer and the configuration
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a", "./b/../a")]
    [InlineData("a", "a/")]
    [InlineData("-", "-")]
    public async Task Two_outputs_into_one_place_are_refused_before_anything_is_built(string one, string other)
    {
        OutputSpec second = new() { Type = other.EndsWith('/') ? OutputType.Local : OutputType.Oci, Destination = other == "-" ? "-" : Path.Combine(_temp.Path, other) };
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(Stream.Null, To(OutputType.Tar, one), second));
        Assert.Equal(ErrorCode.InvalidOutput, error.Code);
        Assert.Empty(_events);
    }

    [Fact]
    public async Task A_push_without_name_and_a_file_without_place_are_refused_before_anything_is_built()
    {
        var push = new OutputSpec { Type = OutputType.Image, Push = true };
        Assert.Equal("a name is needed to push", (await Assert.ThrowsAsync<KimgException>(() => BuildAsync(null, [], push))).Message);
        KimgException placeless = await Assert.ThrowsAsync<KimgException>(() => BuildAsync(null, new OutputSpec { Type = OutputType.Local }));
        Assert.Equal("output type 'local' needs a destination", placeless.Message);
        Assert.Empty(_events);
    }

    private OutputSpec To(OutputType type, string? name = null) =>
        new() { Type = type, Destination = name is null or "-" ? name : Path.Combine(_temp.Path, name) };

    private Task<BuildResult> BuildAsync(Stream? stdout, params OutputSpec[] outputs) =>
        BuildAsync(stdout, [ImageReference.Parse($"{_registry.Host}/team/app:1")], outputs);

    private async Task<BuildResult> BuildAsync(Stream? stdout, ImageReference[] names, params OutputSpec[] outputs)
    {
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"], Output = () => new Unclosed(stdout!) });
        var request = new BuildRequest { Context = new DirectoryContext(_temp["context"]), Names = [.. names], Outputs = [.. outputs] };
        return await builder.BuildAsync(request, new Observer(_events));
    }

    private static async Task<string> SkopeoDigestAsync(params string[] arguments) =>
        (await HostProgram.RunAsync("skopeo", ["inspect", "--format", "{{.Digest}}", .. arguments])).OutputOrThrow().Trim();

    private sealed class Observer(List<BuildEvent> events) : IBuildObserver
    {
        public void OnEvent(BuildEvent e) => events.Add(e);
    }

    // The export closes its stdout; the test reads it afterwards.
    private sealed class Unclosed(Stream inner) : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            inner.WriteAsync(buffer, offset, count, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);
    }
}
