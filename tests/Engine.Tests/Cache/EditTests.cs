using Kimg.Engine.Cache;
using Kimg.Engine.Native;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>What an empty machine with a registry cache has to run after usual edits: as many steps as BuildKit ran for the same (recorded with docker 28.5
/// and buildx 0.29).</summary>
public sealed class EditTests(EditTests.CachedScene cached) : IClassFixture<EditTests.CachedScene>
{
    private const string Dockerfile = """
        FROM base AS deps
        WORKDIR /app
        COPY package.json .
        RUN cp package.json deps.lock && echo installed >>deps.lock
        FROM deps AS build
        COPY src src
        RUN cat src/* >out.txt && wc -c out.txt >size.txt
        FROM deps AS test
        COPY src/a.txt .
        RUN cat a.txt deps.lock >tested
        FROM base
        COPY --from=build /app/size.txt /size.txt
        COPY --from=test /app/tested /tested
        RUN cat /size.txt /tested >/final
        LABEL version=1
        """;

    [Theory]
    [InlineData("nothing", 0)]
    [InlineData("a line of a source file", 5)]
    [InlineData("the list of dependencies", 8)]
    [InlineData("only a file's time", 0)]
    [InlineData("a file's mode", 2)]
    [InlineData("an ignored file", 0)]
    [InlineData("a label", 0)]
    [InlineData("a RUN that gives the same otherwise", 1)]
    [InlineData("an early RUN with the same result", 5)]
    [InlineData("a file renamed", 2)]
    [InlineData("a build argument that nothing uses", 0)]
    [InlineData("a comment", 0)]
    public async Task Runs_what_BuildKit_runs(string edit, int steps)
    {
        CacheScene scene = cached.Scene;
        string source = Path.Combine(scene.Context, "src"), dockerfile = Dockerfile;
        CachedScene.Reset(scene);
        switch (edit)
        {
            case "a line of a source file":
                scene.Write("src/b.txt", "b\nc\n");
                break;
            case "the list of dependencies":
                scene.Write("package.json", "{\"deps\":2}\n");
                break;
            case "only a file's time":
                File.SetLastWriteTimeUtc(Path.Combine(source, "a.txt"), DateTime.UnixEpoch.AddDays(20_000));
                break;
            case "a file's mode":
                FileOwner.SetMode(Path.Combine(source, "b.txt"), 0b110_000_000);
                break;
            case "an ignored file":
                scene.Write("notes.md", "more\n");
                break;
            case "a label":
                dockerfile = dockerfile.Replace("version=1", "version=2", StringComparison.Ordinal);
                break;
            case "a RUN that gives the same otherwise":
                dockerfile = dockerfile.Replace("wc -c out.txt >", "cat out.txt | wc -c | sed 's|$| out.txt|' >", StringComparison.Ordinal);
                break;
            case "an early RUN with the same result":
                dockerfile = dockerfile.Replace("cp package.json deps.lock", "cat package.json >deps.lock", StringComparison.Ordinal);
                break;
            case "a file renamed":
                File.Move(Path.Combine(source, "b.txt"), Path.Combine(source, "c.txt"));
                break;
            case "a comment":
                dockerfile = dockerfile.Replace("RUN cat /size", "# more\nRUN cat /size", StringComparison.Ordinal);
                break;
        }

        Built built = await scene.NewMachine().BuildAsync(dockerfile, r => r with
        {
            CacheFrom = [new CacheSource(scene.InRegistry("app:cache"))],
            BuildArgs = edit == "a build argument that nothing uses" ? r.BuildArgs.Add("UNUSED", "1") : r.BuildArgs,
        });
        Assert.Equal(steps, built.Ran.Length + built.Events.Ran.Count(n => n.Contains("] WORKDIR ", StringComparison.Ordinal)));
    }

    public sealed class CachedScene : IAsyncLifetime
    {
        internal CacheScene Scene { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Scene = await CacheScene.StartAsync();
            Reset(Scene);
            await Scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(Scene.InRegistry("app:cache")) { AllSteps = true }] });
        }

        public async Task DisposeAsync() => await Scene.DisposeAsync();

        internal static void Reset(CacheScene scene)
        {
            string source = Path.Combine(scene.Context, "src");
            if (Directory.Exists(source)) Directory.Delete(source, recursive: true);
            Directory.CreateDirectory(source);
            scene.Write("src/a.txt", "a\n");
            scene.Write("src/b.txt", "b\n");
            scene.Write("package.json", "{\"deps\":1}\n");
            scene.Write("notes.md", "ignored\n");
            scene.Write(".dockerignore", "*.md\n");
        }
    }
}
