using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>kimg cache export, import and inspect; what is collected by itself.</summary>
public sealed class CacheCommandTests : IAsyncLifetime
{
    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task What_a_machine_knows_is_exported_inspected_and_imported_for_good()
    {
        Machine machine = _scene.NewMachine();
        Built built = await machine.BuildAsync(CacheScene.TwoStages);
        await machine.DisposeAsync();
        await using (CacheCommands commands = CacheCommands.Create(Options(machine.State)))
        {
            CacheReport exported = await commands.ExportAsync(new CacheDestination(_scene.InRegistry("all:cache")) { IgnoreError = false });
            CacheReport seen = await commands.InspectAsync(_scene.InRegistry("all:cache"));
            Assert.Equal(5, exported.Steps);
            Assert.Equal(exported.Layers.Select(l => l.Digest).Order(), seen.Layers.Select(l => l.Digest).Order());
            Assert.Equal(2, seen.BaseLayers);
        }

        Machine other = _scene.NewMachine();
        await using (CacheCommands commands = CacheCommands.Create(Options(other.State))) await commands.ImportAsync(_scene.InRegistry("all:cache"));
        Built imported = await other.BuildAsync(CacheScene.TwoStages);
        imported.AssertNothingRan();
        Assert.Equal(await ImageText.ReadAsync(machine, "thrice"), await ImageText.ReadAsync(other, "thrice"));
        await other.DisposeAsync();
        await using StateMaintenance state = StateMaintenance.Create(Options(other.State));
        await state.PruneAsync(new PruneRequest(null, null, All: false));
        Assert.Contains(await state.ListUsageAsync(), item => item is { Kind: "imported cache", InUse: true });
        Assert.Contains(await state.ListUsageAsync(), item => item is { Kind: "blob", InUse: true });
        await state.PruneAsync(new PruneRequest(null, null, All: true));
        Assert.Empty(await state.ListUsageAsync());
        Assert.True(built.Result.TotalVertices > 0);
    }

    [Theory]
    [InlineData("*", "/other", "tools")]
    [InlineData("tools", "tools")]
    public async Task Cache_mounts_go_with_what_a_machine_exports_without_a_build(string which, params string[] saved)
    {
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync("FROM base\nRUN --mount=type=cache,target=/c,id=tools echo kept >/c/file\nRUN --mount=type=cache,target=/other echo x >/other/x\n");
        await machine.DisposeAsync();
        await using (CacheCommands commands = CacheCommands.Create(Options(machine.State)))
        {
            CacheReport exported = await commands.ExportAsync(new CacheDestination(_scene.InRegistry("all:cache")) { Mounts = [which] });
            Assert.Equal(saved, exported.Mounts.Select(mount => mount.Id));
            Assert.Equal(saved, (await commands.InspectAsync(_scene.InRegistry("all:cache"))).Mounts.Select(mount => mount.Id));
        }

        Machine other = _scene.NewMachine();
        await other.BuildAsync("FROM base\nRUN --mount=type=cache,target=/x,id=tools cat /x/file >/seen\n", _scene.InRegistry("all:cache"));
        Assert.Equal("kept\n", await ImageText.ReadAsync(other, "seen"));
    }

    [Fact]
    public async Task Beside_another_build_a_collection_does_not_count_as_the_one_of_the_hour()
    {
        string state = _scene["busy"];
        async Task BuildAsync(string text)
        {
            await using var builder = ImageBuilder.Create(Options(state) with
            {
                Collection = new CollectionPolicy { MaxUsedSpace = 1, MinFreeSpace = 0, ReservedSpace = 0, KeepDuration = TimeSpan.FromHours(48) },
            });
            await builder.BuildAsync(new BuildRequest
            {
                Context = new DirectoryContext(_scene.Context), DockerfileText = $"FROM scratch\nCOPY source /{text}\n", Outputs = [new OutputSpec { Type = OutputType.CacheOnly }],
            });
        }

        string old = Directory.CreateDirectory(Path.Combine(state, "snapshots", "real", "overlay", "aa", "fs")).Parent!.FullName;
        Directory.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-3));
        Directory.CreateDirectory(state);
        using (Kimg.Engine.Native.FileLock.Acquire(Path.Combine(state, "builds.lock"), exclusive: false)) await BuildAsync("a");
        Assert.True(Directory.Exists(old));
        await BuildAsync("b");
        Assert.False(Directory.Exists(old));
    }

    [Fact]
    public async Task After_a_build_what_was_not_used_for_long_makes_room()
    {
        var time = new ManualTime();
        string state = _scene["collected"];
        async Task BuildAsync(string text)
        {
            await using var builder = ImageBuilder.Create(Options(state) with
            {
                Time = time,
                Collection = new CollectionPolicy { MaxUsedSpace = 1, MinFreeSpace = 0, ReservedSpace = 0, KeepDuration = TimeSpan.FromHours(1) },
            });
            await builder.BuildAsync(new BuildRequest
            {
                Context = new DirectoryContext(_scene.Context), DockerfileText = $"FROM scratch\nCOPY source /{text}\n", Outputs = [new OutputSpec { Type = OutputType.CacheOnly }],
            });
        }

        foreach (string text in new[] { "a", "b" }) await BuildAsync(text);
        await using (StateMaintenance maintenance = StateMaintenance.Create(Options(state) with { Time = time }))
        {
            ImmutableArray<UsageItem> before = await maintenance.ListUsageAsync();
            Assert.NotEmpty(before);
            string[] old = [.. Directory.EnumerateFiles(Path.Combine(state, "cache", "records"), "*", SearchOption.AllDirectories)];
            foreach (string record in old) File.SetLastWriteTimeUtc(record, DateTime.UtcNow.AddDays(-3));
            time.Now = DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1);
            await BuildAsync("b");
            string[] left = [.. old.Where(File.Exists)];
            Assert.NotEmpty(left); // "b" was found
            Assert.InRange(left.Length, 1, old.Length - 1); // "a" was not
            Assert.All(left, record => Assert.InRange(File.GetLastWriteTimeUtc(record), DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddHours(1)));
        }
    }

    [Fact]
    public async Task Filters_choose_what_is_listed_and_pruned()
    {
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync("FROM base\nRUN --mount=type=cache,target=/c echo x >/c/x\n");
        await machine.DisposeAsync();
        await using StateMaintenance state = StateMaintenance.Create(Options(machine.State));
        static ImmutableArray<UsageFilter> F(params string[] texts) => [.. texts.Select(t => UsageFilter.Parse(t, TimeSpan.Parse))];
        Assert.Equal(["cache mount"], (await state.ListUsageAsync(F("type=exec.cachemount"))).Select(i => i.Kind));
        Assert.Empty(await state.ListUsageAsync(F("type=exec.cachemount", "until=01:00:00")));
        Assert.All(await state.ListUsageAsync(F("kind=blob", "id~=^sha2.*6:")), item => Assert.Equal("blob", item.Kind));
        Assert.All(await state.ListUsageAsync(F("inuse")), item => Assert.True(item.InUse));
        Assert.All(await state.ListUsageAsync(F("inuse!=true")), item => Assert.False(item.InUse));
        await state.PruneAsync(new PruneRequest(null, null, All: false) { Filters = F("type=exec.cachemount") });
        Assert.Empty(await state.ListUsageAsync(F("type=exec.cachemount")));
        Assert.NotEmpty(await state.ListUsageAsync(F("type!=exec.cachemount")));
    }

    private static BuilderOptions Options(string state) => new() { StateDirectory = state, WorkerExecutable = RepositoryFiles.Kimg };
}
