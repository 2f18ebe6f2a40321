using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class StateMaintenanceTests : IAsyncDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly StateMaintenance _state;

    public StateMaintenanceTests() => _state = StateMaintenance.Create(Options);

    private BuilderOptions Options => new() { StateDirectory = _temp["state"] };

    public async ValueTask DisposeAsync()
    {
        await _state.DisposeAsync();
        _temp.Dispose();
    }

    [Fact]
    public async Task What_has_a_name_stays_until_all_is_asked_for()
    {
        BuildResult built = await BuildAsync("kept:1", "kept");
        await BuildAsync(null, "dropped");
        await _state.PruneAsync(new PruneRequest(null, null, All: false));

        ImmutableArray<UsageItem> left = await _state.ListUsageAsync();
        Assert.Equal(3, left.Length); // manifest, configuration, layer
        Assert.All(left, item => Assert.True(item.InUse));
        Assert.Contains(left, item => item.Id == built.Root!.Digest.ToString());

        PruneReport all = await _state.PruneAsync(new PruneRequest(null, null, All: true));
        Assert.Equal(3, all.Items);
        Assert.Empty(await _state.ListUsageAsync());
    }

    [Fact]
    public async Task Keeps_what_is_young_and_what_fits()
    {
        await BuildAsync("a:1", "a");
        long used = (await _state.ListUsageAsync()).Sum(item => item.Bytes);
        Assert.Equal(0, (await _state.PruneAsync(new PruneRequest(TimeSpan.FromHours(1), null, All: true))).Items);
        await BuildAsync("a:1", "a");
        Assert.Equal(0, (await _state.PruneAsync(new PruneRequest(null, used * 2, All: true))).Items);
        Assert.NotEqual(0, (await _state.PruneAsync(new PruneRequest(null, used / 2, All: true))).Items);
        Assert.InRange((await _state.ListUsageAsync()).Sum(item => item.Bytes), 0, used / 2);
    }

    [Fact]
    public async Task Beside_a_running_build_directories_and_records_stay()
    {
        await BuildAsync(null, "cached");
        string snapshot = Directory.CreateDirectory(_temp["state/snapshots/real/overlay/aa/fs"]).Parent!.FullName;
        string leftover = Directory.CreateDirectory(_temp["state/tmp/killed"]).FullName;
        using (FileLock.Acquire(_temp["state/builds.lock"], exclusive: false))
        {
            await _state.PruneAsync(new PruneRequest(null, null, All: true));
            Assert.True(Directory.Exists(snapshot) && Directory.Exists(leftover));
            Assert.Contains(await _state.ListUsageAsync(), item => item is { Kind: "cache record", InUse: true });
        }

        await _state.PruneAsync(new PruneRequest(null, null, All: true));
        Assert.False(Directory.Exists(snapshot) || Directory.Exists(leftover));
        Assert.Empty(await _state.ListUsageAsync());
    }

    [Fact]
    public async Task Builds_while_everything_is_pruned_again_and_again_end_well()
    {
        using var stop = new CancellationTokenSource();
        Task pruning = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await _state.PruneAsync(new PruneRequest(null, null, All: false));
        });
        for (int i = 0; i < 15; i++) await BuildAsync($"name:{i % 3}", $"content {i % 5}");
        await stop.CancelAsync();
        await pruning;
        await using var images = ImageCommands.Create(Options);
        for (int i = 0; i < 3; i++)
        {
            var name = ImageReference.Parse($"name:{i}");
            await images.CopyAsync(new StoreLocation(name), new LayoutLocation(_temp["out"], $"v{i}"), []);
        }
    }

    [Fact]
    public async Task What_is_foreign_in_a_tree_is_never_followed_out_of_it()
    {
        string outside = Directory.CreateDirectory(_temp["outside"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "precious"), "x");
        string tree = Directory.CreateDirectory(_temp["state/mounts/cache"]).FullName;
        File.CreateSymbolicLink(Path.Combine(tree, "link"), outside);
        UsageItem mount = Assert.Single(await _state.ListUsageAsync(), item => item.Kind == "cache mount");
        Assert.Equal(0, mount.Bytes);
        await _state.PruneAsync(new PruneRequest(null, null, All: false));
        Assert.True(File.Exists(Path.Combine(outside, "precious")));
        Assert.False(Directory.Exists(tree));
    }

    private async Task<BuildResult> BuildAsync(string? name, string content)
    {
        string context = Directory.CreateDirectory(_temp[Digest.Sha256(content).Hex]).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "file"), content);
        await using var builder = ImageBuilder.Create(Options);
        return await builder.BuildAsync(new BuildRequest
        {
            Context = new DirectoryContext(context),
            DockerfileText = "FROM scratch\nCOPY file /\n",
            Names = name is null ? [] : [ImageReference.Parse(name)],
            Outputs = name is null ? [new OutputSpec { Type = OutputType.CacheOnly }] : [],
        });
    }
}
