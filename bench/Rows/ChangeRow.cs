using Kimg.TestKit;

namespace Kimg.Bench.Rows;

/// <summary>The commonest build in CI: one line of source has changed; built and pushed.</summary>
internal sealed class ChangeRow(string sample, string file, string title, params (string Argument, string Base)[] bases) : Row
{
    public override string Name => sample;

    public override string Title => title;

    public override (double, double) Target => (0.9, 0.6);

    public override async Task PrepareAsync(Workbench bench)
    {
        foreach ((_, string name) in bases)
            await bench.ProvideAsync(name);
        await Workbench.CopyAsync(RepositoryFiles.Path($"samples/{sample}"), bench[sample]);
    }

    public override Task BeforeAsync(Workbench bench, int repetition) =>
        File.AppendAllTextAsync(Path.Combine(bench[sample], file), $"// {bench.Nonce} {repetition}\n");

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new() { Context = bench[sample], Output = new Push($"{bench.Registry}/change/{Files.Slug(builder)}:{sample}") };
        job = bases.Aggregate(job, (j, b) => j.With(b.Argument, bench.Base(b.Base)));
        return (await Stopwatched.RunAsync(builder, job)).Seconds;
    }
}
