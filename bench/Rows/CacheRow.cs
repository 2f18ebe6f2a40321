using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Bench.Rows;

/// <summary>A runner that knows nothing but a cache in the registry, which each builder has written for itself: seconds until the image is pushed, or bytes that went
/// to and from the registry.</summary>
/// <param name="change">A file that has one line more than when the cache was written; null: nothing has changed.</param>
internal sealed partial class CacheRow(string sample, string? change, bool bytes, params (string Argument, string Base)[] bases) : Row
{
    private readonly HashSet<string> _written = [];

    public override string Name => $"cache-{sample}{(change is null ? "" : "-change")}{(bytes ? "-bytes" : "")}";

    public override string Title =>
        $"{sample} on an empty machine with a registry cache, {(change is null ? "nothing changed" : "one line changed")}{(bytes ? ", bytes moved" : ", pushed")}";

    public override (double, double) Target => (0.7, 0.5);

    public override bool IsMemory => bytes;

    public override async Task PrepareAsync(Workbench bench)
    {
        foreach ((_, string name) in bases) await bench.ProvideAsync(name);
        await Workbench.CopyAsync(RepositoryFiles.Path($"samples/{sample}"), bench[Name]);
        if (change is null) return;
        // An empty machine has a step's layer from the cache, but not what it left in a cache mount; a later step that needs it fails with every builder.
        string dockerfile = Path.Combine(bench[Name], "Dockerfile");
        await File.WriteAllTextAsync(dockerfile, CacheMount().Replace(await File.ReadAllTextAsync(dockerfile), ""));
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        await using CountingProxy proxy = CountingProxy.Start(bench.Registry);
        if (_written.Add(builder.Name))
        {
            await Stopwatched.RunAsync(builder, Job(bench, builder, bench.Registry, -1) with { CacheTo = Cache(bench, builder, bench.Registry) });
        }

        if (change is not null) await File.AppendAllTextAsync(Path.Combine(bench[Name], change), $"// {bench.Nonce} {builder.Name} {repetition}\n");
        await builder.ForgetAsync();
        proxy.Reset();
        string registry = bytes ? proxy.Host : bench.Registry;
        double seconds = (await Stopwatched.RunAsync(builder, Job(bench, builder, registry, repetition) with { CacheFrom = Cache(bench, builder, registry) })).Seconds;
        return bytes ? proxy.Bytes : seconds;
    }

    [GeneratedRegex(@"--mount=type=cache\S*\s+")]
    private static partial Regex CacheMount();

    private string Cache(Workbench bench, Builder builder, string registry) => $"{registry}/{Name}/{Files.Slug(builder)}:cache-{bench.Nonce[..8]}";

    // The base keeps its name: what a step is built on is part of its key in some builders.
    private BuildJob Job(Workbench bench, Builder builder, string registry, int repetition)
    {
        BuildJob job = new() { Context = bench[Name], Output = new Push($"{registry}/{Name}/{Files.Slug(builder)}:{repetition + 1}") };
        return bases.Aggregate(job, (j, b) => j.With(b.Argument, $"{registry}/base/{b.Base}"));
    }
}
