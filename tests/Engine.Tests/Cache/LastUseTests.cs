using Kimg.Engine.Build;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>prune goes by when things were last used, not by when they were made.</summary>
public sealed class LastUseTests : IAsyncLifetime
{
    private const string Unused = "FROM base\nRUN echo unused >/unused && cat /proc/sys/kernel/random/uuid >/x\n";
    private const string Mounting = "FROM base\nRUN --mount=type=cache,target=/c,id=kept mkdir -p /c/dir && echo more >>/c/dir/file && cat /proc/sys/kernel/random/uuid >/y\n";

    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task What_builds_only_found_stays_and_what_none_asked_for_goes()
    {
        Machine machine = _scene.NewMachine();
        foreach (string text in new[] { CacheScene.TwoStages, Unused, Mounting }) await machine.BuildAsync(text);
        await machine.DisposeAsync();
        Age(machine.State, TimeSpan.FromDays(10));
        (await machine.BuildAsync(CacheScene.TwoStages)).AssertNothingRan();
        await machine.BuildAsync(Mounting + "RUN --mount=type=cache,target=/c,id=kept test -s /c/dir/file && echo again >>/c/dir/file\n");
        await machine.DisposeAsync();

        await PruneAsync(machine.State, new PruneRequest(TimeSpan.FromHours(48), null, All: false));
        (await machine.BuildAsync(CacheScene.TwoStages)).AssertNothingRan();
        (await machine.BuildAsync(Mounting)).AssertNothingRan();
        await machine.BuildAsync("FROM base\nRUN --mount=type=cache,target=/c,id=kept grep again /c/dir/file\n");
        Assert.Single((await machine.BuildAsync(Unused)).Ran);
    }

    [Fact]
    public async Task A_step_that_was_found_has_all_that_is_needed_to_go_on_from_it()
    {
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync(CacheScene.TwoStages);
        await machine.DisposeAsync();
        Age(machine.State, TimeSpan.FromDays(10));
        await machine.BuildAsync(CacheScene.TwoStages);
        await machine.DisposeAsync();

        await PruneAsync(machine.State, new PruneRequest(TimeSpan.FromHours(48), null, All: false));
        _scene.Write("source", "another source\n");
        Built edited = await machine.BuildAsync(CacheScene.TwoStages);
        Assert.DoesNotContain(edited.Ran, step => step.Contains("echo tools", StringComparison.Ordinal));
        Assert.Contains(edited.Ran, step => step.Contains("tr a-z", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_used_last_is_what_a_limit_leaves()
    {
        const string Other = "FROM base\nRUN echo other >/other && cat /proc/sys/kernel/random/uuid >/z\n";
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync(Other);
        await machine.DisposeAsync();
        Age(machine.State, TimeSpan.FromDays(20));
        await machine.BuildAsync(Unused); // made later, but not used since
        await machine.DisposeAsync();
        Age(machine.State, TimeSpan.FromDays(10));
        (await machine.BuildAsync(Other)).AssertNothingRan();
        await machine.DisposeAsync();

        long young;
        await using (StateMaintenance state = StateMaintenance.Create(Options(machine.State)))
            young = (await state.ListUsageAsync()).Where(item => item.LastUsed > DateTimeOffset.UtcNow - TimeSpan.FromDays(1)).Sum(item => item.Bytes);
        await PruneAsync(machine.State, new PruneRequest(null, young, All: false));
        (await machine.BuildAsync(Other)).AssertNothingRan();
        Assert.Single((await machine.BuildAsync(Unused)).Ran);
    }

    private static async Task PruneAsync(string state, PruneRequest request)
    {
        await using StateMaintenance maintenance = StateMaintenance.Create(Options(state));
        await maintenance.PruneAsync(request);
    }

    /// <summary>As if all of it had been done that much earlier.</summary>
    private static void Age(string state, TimeSpan by)
    {
        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        foreach (string path in Directory.EnumerateFileSystemEntries(state, "*", everything))
        {
            try
            {
                File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path) - by);
            }
            catch (UnauthorizedAccessException)
            {
                // Of another id, inside a tree.
            }
        }
    }

    private static BuilderOptions Options(string state) => new() { StateDirectory = state, WorkerExecutable = RepositoryFiles.Kimg };
}
