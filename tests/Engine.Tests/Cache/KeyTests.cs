using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>What must not be taken for the same. What must be: <c>tests/vectors/caches</c>.</summary>
public sealed class KeyTests : IAsyncLifetime
{
    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task Every_bind_mount_of_one_context_or_stage_counts()
    {
        const string dockerfile = """
            FROM base AS other
            COPY other /o/a
            COPY more /o/b
            FROM base
            RUN --mount=type=bind,source=one,target=/1 --mount=type=bind,source=two,target=/2 cat /1/f /2/f >/context
            RUN --mount=type=bind,from=other,source=/o/a,target=/1 --mount=type=bind,from=other,source=/o/b,target=/2 cat /1 /2 >/stage
            """;
        foreach (string name in new[] { "one", "two" }) Directory.CreateDirectory(Path.Combine(_scene.Context, name));
        _scene.Write("one/f", "1\n");
        _scene.Write("two/f", "1\n");
        _scene.Write("other", "1\n");
        _scene.Write("more", "1\n");
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync(dockerfile);
        _scene.Write("two/f", "2\n");
        _scene.Write("more", "2\n");
        await machine.BuildAsync(dockerfile);
        Assert.Equal("1\n2\n", await ImageText.ReadAsync(machine, "context"));
        Assert.Equal("1\n2\n", await ImageText.ReadAsync(machine, "stage"));
        // The same contents, the other way round.
        _scene.Write("one/f", "2\n");
        _scene.Write("two/f", "1\n");
        await machine.BuildAsync(dockerfile);
        Assert.Equal("2\n1\n", await ImageText.ReadAsync(machine, "context"));
    }

    [Fact]
    public async Task A_file_that_is_moved_keeps_its_own_name_at_the_destination()
    {
        Directory.CreateDirectory(Path.Combine(_scene.Context, "a"));
        Directory.CreateDirectory(Path.Combine(_scene.Context, "b"));
        _scene.Write("a/one", "same\n");
        _scene.Write("b/one", "same\n");
        _scene.Write("b/two", "same\n");
        Machine machine = _scene.NewMachine();
        await machine.BuildAsync("FROM base\nCOPY a/one /x/\nRUN ls /x >/names\n");
        Assert.Empty((await machine.BuildAsync("FROM base\nCOPY b/one /x/\nRUN ls /x >/names\n")).Ran);
        await machine.BuildAsync("FROM base\nCOPY b/two /x/\nRUN ls /x >/names\n");
        Assert.Equal("two\n", await ImageText.ReadAsync(machine, "names"));
        await machine.BuildAsync("FROM base\nCOPY b/* /x/\nRUN ls /x >/names\n");
        Assert.Equal("one\ntwo\n", await ImageText.ReadAsync(machine, "names"));
        await machine.BuildAsync("FROM base\nCOPY a/* /x/\nRUN ls /x >/names\n");
        Assert.Equal("one\n", await ImageText.ReadAsync(machine, "names"));
        await machine.BuildAsync("FROM base\nCOPY --parents b/one /x/\nRUN ls /x >/names\n");
        Assert.Equal("b\n", await ImageText.ReadAsync(machine, "names"));
    }
}
