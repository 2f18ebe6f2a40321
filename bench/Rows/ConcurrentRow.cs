using System.Diagnostics;

namespace Kimg.Bench.Rows;

/// <summary>Ten builds at once, each with one step of its own on the same base; for kimg on one state directory.</summary>
internal sealed class ConcurrentRow : Row
{
    private const int Builds = 10;

    public override string Name => "ten";

    public override string Title => "ten builds at once (on one state directory)";

    public override (double, double) Target => (0.9, 0.6);

    public override async Task PrepareAsync(Workbench bench)
    {
        await bench.ProvideAsync("debian");
        await File.WriteAllTextAsync(bench.Fresh(Name) + "/Dockerfile", """
            ARG BASE
            FROM ${BASE}
            RUN echo shared > /shared
            ARG NONCE
            RUN echo "$NONCE" > /own && head -c 50000000 /dev/zero | sha256sum > /sum
            """);
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new BuildJob { Context = bench[Name] }.With("BASE", bench.Base("debian"));
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Builds).Select(i => Stopwatched.RunAsync(builder, job.With("NONCE", $"{bench.Nonce}-{repetition}-{i}"))));
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
