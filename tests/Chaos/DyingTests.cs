using System.Diagnostics;
using System.Globalization;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Builds that are stopped and killed at any moment: nothing is left, and the next build on the state directory makes the same image.</summary>
public sealed class DyingTests
{
    private const int Times = 20, LinesPerTime = 2;

    private static readonly string s_dockerfile = Scene.Shell.Replace("FROM scratch", "FROM scratch AS base", StringComparison.Ordinal) + """
        FROM base AS left
        RUN echo left >/left; (sleep 1000 &) ; sleep 0.1
        FROM base AS right
        RUN --mount=type=cache,target=/c dd if=/dev/zero of=/right bs=1M count=8; setsid sleep 1000 & sleep 0.1
        FROM base
        COPY --from=left /left /
        COPY --from=right /right /
        RUN cat /left /right | wc -c >/count
        """;

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 130)]
    [InlineData("KILL", 137)]
    public async Task A_build_that_gets_a_signal_leaves_nothing(string signal, int exitCode)
    {
        using Scene scene = new(unprivileged: true);
        scene.Dockerfile(s_dockerfile);
        scene.Own();
        for (int i = 0; i < Times; i++)
        {
            using Process build = Run(scene, i);
            await SaysAsync(build, lines: i * LinesPerTime);
            await SignalAsync(signal, build.Id);
            await EndAsync(build);
            Assert.Contains(build.ExitCode, i == 0 ? [exitCode, 0, 143] : new[] { exitCode, 0 }); // 143: before kimg listens to signals
            scene.AssertNothingLeft();
            await CheckAsync(scene);
            if (i % 5 == 4) Directory.Delete(scene["state/cache"], recursive: true);
        }

        AssertSwept(scene);
        // Beside outputs nobody can clean up after SIGKILL; the next export into the directory, which CheckAsync makes, does.
        Assert.Empty(Directory.EnumerateFiles(scene["."], ".killed-*"));
    }

    [Fact]
    public async Task A_build_whose_worker_is_killed_says_so_and_leaves_nothing()
    {
        using Scene scene = new(unprivileged: true);
        scene.Dockerfile(s_dockerfile);
        scene.Own();
        int met = 0;
        for (int i = 0; i < Times; i++)
        {
            using Process build = Run(scene, i);
            await SaysAsync(build, lines: i * LinesPerTime);
            foreach (int worker in Leftovers.Workers(build.Id))
            {
                await SignalAsync("KILL", worker);
                met++;
            }

            await EndAsync(build);
            Assert.Contains(build.ExitCode, new[] { 6, 0 });
            scene.AssertNothingLeft();
            await CheckAsync(scene);
        }

        Assert.NotEqual(0, met);
        AssertSwept(scene);
    }

    // Each has steps of its own, so that there is something to interrupt.
    private static Process Run(Scene scene, int number) =>
        scene.Start("--no-cache-filter", "left,right", "-o", $"type=oci,dest={scene[$"killed-{number}.tar"]}");

    // Returns when the build has told so much of its progress, or is over: from the start to the export.
    private static async Task SaysAsync(Process build, int lines)
    {
        while (lines-- > 0 && await build.StandardError.ReadLineAsync() is not null)
        {
        }
    }

    private static async Task EndAsync(Process build)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        await build.WaitForExitAsync(limit.Token);
    }

    private static async Task CheckAsync(Scene scene)
    {
        OciTar image = await scene.ImageAsync();
        Assert.Equal("left\n", image.Files["left"]);
        Assert.Equal("8388613\n", image.Files["count"]);
    }

    private static void AssertSwept(Scene scene)
    {
        Assert.Empty(Directory.EnumerateFileSystemEntries(scene["state/tmp"]));
        Assert.DoesNotContain(Directory.EnumerateFiles(scene["state/ingest"]), path => Path.GetFileName(path).StartsWith("x-", StringComparison.Ordinal));
        // Nothing else has a name of its own making: what is written goes through the ingest folder.
        Assert.All(
            new[] { "cache/records", "cache/layers", "indexes", "tars", "images", "contexts" }.Select(folder => scene["state/" + folder]).Where(Directory.Exists)
                .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)),
            path => Assert.Matches("^[0-9a-f]{64}(\\.json)?$", Path.GetFileName(path)));
        Assert.All(Directory.EnumerateFileSystemEntries(scene["state/mounts"]), path => Assert.Matches("^[0-9a-f]{64}(\\.lock|\\.id)?$", Path.GetFileName(path)));
        Assert.DoesNotContain(
            Directory.EnumerateDirectories(scene["state/snapshots"], "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }),
            path => Path.GetFileName(path).StartsWith("active-", StringComparison.Ordinal) || Path.GetFileName(path).StartsWith("tmp-", StringComparison.Ordinal));
    }

    private static Task SignalAsync(string signal, int process) =>
        HostProgram.RunAsync("kill", ["-" + signal, process.ToString(CultureInfo.InvariantCulture)]);
}
