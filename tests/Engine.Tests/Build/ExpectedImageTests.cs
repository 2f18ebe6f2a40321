using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class ExpectedImageTests : IAsyncLifetime
{
    private static readonly Digest s_other = Digest.Sha256("other"u8);

    private readonly TempDirectory _temp = new();
    private readonly TestRegistry _registry = TestRegistry.Start();

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(_temp["context"]);
        File.WriteAllText(_temp["context/Dockerfile"], "FROM scratch\nCOPY Dockerfile /\n");
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _temp.Dispose();
    }

    [Fact]
    public async Task A_name_that_stands_for_what_is_expected_changes_nothing()
    {
        Digest @base = (await BuildAsync("base")).Root!.Digest;
        Assert.Equal(@base, (await BuildAsync("app", ("base", @base))).Root!.Digest);
    }

    [Fact]
    public async Task Nothing_is_exported_when_a_name_has_moved_and_the_error_has_both_digests()
    {
        Digest @base = (await BuildAsync("base")).Root!.Digest;
        KimgException moved = await Assert.ThrowsAsync<KimgException>(() => BuildAsync("app", ("base", @base), ("base", s_other)));
        Assert.Equal(ErrorCode.ImageMoved, moved.Code);
        Assert.Contains($"'{_registry.Host}/base:1' is not {s_other} any more: it is {@base}", moved.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Requests, request => request.Contains("/app/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_is_gone_is_an_error_too() =>
        Assert.Equal(ErrorCode.ImageNotFound, (await Assert.ThrowsAsync<KimgException>(() => BuildAsync("app", ("nowhere", s_other)))).Code);

    [Fact]
    public async Task A_mistake_in_the_dockerfile_does_not_wait_for_the_answer()
    {
        await File.WriteAllTextAsync(_temp["context/Dockerfile"], "FROM scratch\nCOPY nothing /\n");
        var over = new TaskCompletionSource();
        _registry.Fault = async (_, next) =>
        {
            await over.Task;
            return await next();
        };
        KimgException mistake = await Assert.ThrowsAsync<KimgException>(() => BuildAsync("app", ("base", s_other)).WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.NotEqual(ErrorCode.ImageMoved, mistake.Code);
        over.SetResult();
    }

    private async Task<BuildResult> BuildAsync(string name, params (string Name, Digest Digest)[] expected)
    {
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"] });
        return await builder.BuildAsync(new BuildRequest
        {
            Context = new DirectoryContext(_temp["context"]), Names = [Reference(name)], Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }],
            Expected = [.. expected.Select(e => Reference(e.Name) with { Digest = e.Digest })],
        });
    }

    private ImageReference Reference(string name) => ImageReference.Parse($"{_registry.Host}/{name}:1");
}
