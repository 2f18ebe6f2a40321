using Kimg.Engine.Cache;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Caches in directories that several builds write to.</summary>
public sealed class LayoutCacheTests : IAsyncLifetime
{
    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task Exports_at_once_that_sweep_leave_each_other_whole()
    {
        for (int round = 0; round < 3; round++)
        {
            string directory = _scene[$"shared{round}"];
            LocalCache[] caches = [.. Enumerable.Range(0, 4).Select(i => new LocalCache(directory, $"tag{i}") { Reset = true })];
            string Text(int i) => $"FROM base\nRUN echo {round}-{i} >/one && dd if=/dev/urandom of=/many bs=64k count={(i + 1) * 8}\nRUN echo {i} >/two\n";
            await Task.WhenAll(caches.Select((cache, i) => _scene.NewMachine().BuildAsync(Text(i), r => r with
            {
                CacheTo = [new CacheDestination(cache) { AllSteps = true, IgnoreError = false }],
            })));
            for (int i = 0; i < caches.Length; i++)
            {
                Built built = await _scene.NewMachine().BuildAsync(Text(i) + "RUN cat /one /two >/three\n", caches[i] with { Reset = false });
                Assert.Single(built.Ran);
                Assert.Empty(built.Events.Warnings);
            }
        }
    }
}
