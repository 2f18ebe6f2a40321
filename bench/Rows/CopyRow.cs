namespace Kimg.Bench.Rows;

/// <summary>A big context that no builder has seen, copied and pushed; as time, and as memory.</summary>
internal sealed class CopyRow(bool memory) : Row
{
    public override string Name => memory ? "memory" : "copy";

    public override string Title => memory ? "peak memory of the same" : "COPY of 20,000 files, pushed";

    public override (double, double) Target => memory ? (0.5, 0.25) : (0.9, 0.6);

    public override bool IsMemory => memory;

    public override async Task PrepareAsync(Workbench bench)
    {
        await bench.ProvideAsync("debian");
        await Files.ManyAsync(bench.Fresh("copy-files/files"));
        await File.WriteAllTextAsync(bench["copy-files/Dockerfile"], "ARG BASE\nFROM ${BASE}\nCOPY . /data\n");
    }

    public override async Task BeforeAsync(Workbench bench, int repetition)
    {
        // A directory of another name and one file of other content: neither an upload nor a result can be remembered.
        Workbench.Remove(bench[Context(repetition - 1)]);
        await Workbench.CopyAsync(bench["copy-files"], bench[Context(repetition)]);
        await File.WriteAllTextAsync(bench[Context(repetition) + "/nonce"], $"{bench.Nonce} {repetition} {memory}\n");
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new BuildJob
        {
            Context = bench[Context(repetition)],
            Output = new Push($"{bench.Registry}/copy/{Files.Slug(builder)}:{Name}{repetition + 1}"),
        };
        (double seconds, double bytes) = await Stopwatched.RunAsync(builder, job.With("BASE", bench.Base("debian")), memory);
        return memory ? bytes : seconds;
    }

    private string Context(int repetition) => $"{Name}-{repetition + 1}";
}
