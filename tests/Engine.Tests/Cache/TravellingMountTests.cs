using Kimg.Engine.Cache;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>RUN --mount=type=cache: what one machine has put there, another finds.</summary>
public sealed class TravellingMountTests : IAsyncLifetime
{
    private const string Fill = """
        FROM base
        RUN --mount=type=cache,target=/c,id=tools echo kept >/c/file && mkdir -p /c/dir && ln -s ../file /c/dir/link && chown 33:44 /c/file && chmod 600 /c/file
        RUN --mount=type=cache,target=/other echo other >/other/file
        """;

    private const string Use = "FROM base\nRUN --mount=type=cache,target=/x,id=tools cat /x/file /x/dir/link >/seen; stat -c '%u:%g %a' /x/file >>/seen; ls /x >>/seen\n";

    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Theory]
    [InlineData("*", 2)]
    [InlineData("tools", 1)]
    public async Task They_travel_with_the_cache_owners_and_modes_included(string which, int saved)
    {
        RegistryCache cache = _scene.InRegistry("app:cache");
        Built first = await _scene.NewMachine().BuildAsync(Fill, r => r with { CacheTo = [new CacheDestination(cache) { Mounts = [which] }] });
        Assert.Equal(saved, first.Events.Log.Count(line => line.StartsWith("saved cache mount", StringComparison.Ordinal)));
        Machine other = _scene.NewMachine();
        Built second = await other.BuildAsync(Use, cache);
        Assert.Equal("kept\nkept\n33:44 600\ndir\nfile\n", await ImageText.ReadAsync(other, "seen"));
        Assert.Contains(second.Events.Ran, name => name.StartsWith("restoring cache mount tools", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_here_is_not_replaced_and_one_that_is_not_used_is_not_fetched()
    {
        RegistryCache cache = _scene.InRegistry("app:cache");
        await _scene.NewMachine().BuildAsync(Fill, r => r with { CacheTo = [new CacheDestination(cache) { Mounts = ["*"] }] });
        Machine other = _scene.NewMachine();
        await other.BuildAsync("FROM base\nRUN --mount=type=cache,target=/x,id=tools echo mine >/x/file\n");
        Built used = await other.BuildAsync("FROM base\nRUN --mount=type=cache,target=/x,id=tools cat /x/file >/seen\n", cache);
        Assert.Equal("mine\n", await ImageText.ReadAsync(other, "seen"));
        Assert.DoesNotContain(used.Events.Ran, name => name.StartsWith("restoring", StringComparison.Ordinal));
        Built cached = await _scene.NewMachine().BuildAsync(Fill, cache);
        cached.AssertNothingRan();
        Assert.DoesNotContain(cached.Events.Ran, name => name.StartsWith("restoring", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_mount_that_was_not_needed_here_goes_on_to_the_next_cache()
    {
        await _scene.NewMachine().BuildAsync(Fill, r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { Mounts = ["*"] }] });
        Built cached = await _scene.NewMachine().BuildAsync(Fill, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("app:cache"))],
            CacheTo = [new CacheDestination(_scene.InRegistry("app:next")) { Mounts = ["*"] }],
        });
        cached.AssertNothingRan();
        Machine third = _scene.NewMachine();
        await third.BuildAsync(Use, _scene.InRegistry("app:next"));
        Assert.StartsWith("kept\n", await ImageText.ReadAsync(third, "seen"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_too_large_stays_and_the_rest_of_the_cache_goes()
    {
        RegistryCache cache = _scene.InRegistry("app:cache");
        Built built = await _scene.NewMachine().BuildAsync(
            "FROM base\nRUN --mount=type=cache,target=/c,id=big dd if=/dev/zero of=/c/big bs=1M count=3\n",
            r => r with { CacheTo = [new CacheDestination(cache) { Mounts = ["*"], MaxMountSize = 1 << 20, IgnoreError = false }] });
        Assert.Contains(built.Events.Warnings, w => w.Contains("'big' stays behind", StringComparison.Ordinal) && w.Contains("mounts-max-size", StringComparison.Ordinal));
        (await _scene.NewMachine().BuildAsync("FROM base\nRUN --mount=type=cache,target=/c,id=big dd if=/dev/zero of=/c/big bs=1M count=3\n", cache)).AssertNothingRan();
    }

    [Fact]
    public async Task One_that_came_with_a_cache_and_is_too_large_to_go_on_stays_too()
    {
        await _scene.NewMachine().BuildAsync(Fill, r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { Mounts = ["tools"] }] });
        Built cached = await _scene.NewMachine().BuildAsync(Fill, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("app:cache"))],
            CacheTo = [new CacheDestination(_scene.InRegistry("app:next")) { Mounts = ["tools"], MaxMountSize = 16 }],
        });
        Assert.Contains(cached.Events.Warnings, w => w.Contains("'tools' stays behind", StringComparison.Ordinal) && w.Contains("mounts-max-size", StringComparison.Ordinal));
        Machine third = _scene.NewMachine();
        await third.BuildAsync("FROM base\nRUN --mount=type=cache,target=/x,id=tools ls /x >/seen\n", _scene.InRegistry("app:next"));
        Assert.Equal("", await ImageText.ReadAsync(third, "seen"));
    }

    [Fact]
    public async Task An_id_that_no_step_has_is_told_with_those_there_are()
    {
        Built built = await _scene.NewMachine().BuildAsync(
            Fill, r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { Mounts = ["nosuch", "tools"], IgnoreError = false }] });
        string warning = Assert.Single(built.Events.Warnings);
        Assert.Contains("mounts=nosuch", warning, StringComparison.Ordinal);
        Assert.Contains("/other, tools", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_one_begins_empty()
    {
        var cache = new LocalCache(_scene["cache"]);
        await _scene.NewMachine().BuildAsync(Fill, r => r with { CacheTo = [new CacheDestination(cache) { Mounts = ["tools"] }] });
        foreach (string blob in Directory.GetFiles(_scene["cache/blobs/sha256"]))
        {
            byte[] bytes = await File.ReadAllBytesAsync(blob);
            if (bytes is not [0x28, 0xb5, 0x2f, 0xfd, ..]) continue;
            bytes[^1] ^= 1;
            await File.WriteAllBytesAsync(blob, bytes);
        }

        Machine other = _scene.NewMachine();
        Built built = await other.BuildAsync("FROM base\nRUN --mount=type=cache,target=/x,id=tools ls /x >/seen\n", cache);
        Assert.Equal("", await ImageText.ReadAsync(other, "seen"));
        Assert.Contains(built.Events.Warnings, w => w.Contains("'tools' begins empty", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.EnumerateDirectories(other.State + "/mounts"), d => d.Contains(".new-", StringComparison.Ordinal));
    }
}
