using Kimg.TestKit;

namespace Kimg.Bench.Rows;

/// <summary>An image that is built, pushed to a registry that has nothing of it.</summary>
internal sealed class PushRow : Row
{
    public override string Name => "push";

    public override string Title => "push of a built image, all layers";

    public override (double, double) Target => (0.9, 0.6);

    public override async Task PrepareAsync(Workbench bench)
    {
        await bench.ProvideAsync("debian");
        await Files.ManyAsync(bench.Fresh("push/files"));
        await File.WriteAllTextAsync(bench["push/Dockerfile"], "ARG BASE\nFROM ${BASE}\nCOPY files /data\n");
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        // A registry of its own: in another repository of the same one, blobs would be mounted instead of sent.
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        BuildJob job = new BuildJob { Context = bench["push"], Output = new Push($"{registry.Host}/push:latest") }.With("BASE", bench.Base("debian"));
        return (await Stopwatched.RunAsync(builder, job)).Seconds;
    }
}
