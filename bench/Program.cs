using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Kimg.Bench.Builders;
using Kimg.Bench.Dotnet;
using Kimg.Bench.Rows;
using Kimg.TestKit;

namespace Kimg.Bench;

/// <summary><c>./build.sh bench [--repeat N] [--only ROW,…] [--dotnet] [--write]</c>; bench/README.md says what the environment may hold.</summary>
internal static class Program
{
    private const string Begin = "<!-- figures -->", End = "<!-- end of figures -->";

    private static ImmutableArray<Row> AllRows =>
    [
        new NoopRow(tar: false),
        new NoopRow(tar: true),
        new ChangeRow("node-app", "src/main.ts", "one line changed in the Node build, pushed", ("BASE", "node")),
        new ChangeRow("dotnet-app", "Program.cs", "one line changed in the .NET build, pushed", ("SDK", "dotnet-sdk"), ("RUNTIME", "dotnet-runtime")),
        new CopyRow(memory: false),
        StepRow.Run(),
        StepRow.Stages(),
        new PullRow(),
        new PushRow(),
        new CopyRow(memory: true),
        .. CacheRows("node-app", "src/main.ts", ("BASE", "node")),
        .. CacheRows("dotnet-app", "Program.cs", ("SDK", "dotnet-sdk"), ("RUNTIME", "dotnet-runtime")),
        new EmulatedRow(foreign: false),
        new EmulatedRow(foreign: true),
        new ConcurrentRow(),
    ];

    private static IEnumerable<Row> CacheRows(string sample, string file, params (string, string)[] bases) =>
        from change in new[] { null, file } from bytes in new[] { false, true } select new CacheRow(sample, change, bytes, bases);

    private static async Task<int> Main(string[] args)
    {
        string? only = Value(args, "--only");
        int repeat = int.Parse(Value(args, "--repeat") ?? "5", CultureInfo.InvariantCulture);
        ImmutableArray<Row> rows = [.. AllRows.Where(r => only is null || only.Split(',').Contains(r.Name))];

        // Where a peer lives in another tree, its directory must be one that both see.
        string parent = Environment.GetEnvironmentVariable("KIMG_BENCH_DIRECTORY") ?? Path.GetTempPath();
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using Workbench bench = new(Directory.CreateDirectory(Path.Combine(parent, $"kimg-bench-{Environment.ProcessId}")).FullName, registry.Host);
        if (args.Contains("--dotnet"))
        {
            await using CountingProxy proxy = CountingProxy.Start(registry.Host);
            string table = await new DotnetBench(bench, proxy).RunAsync(repeat);
            Console.WriteLine(table);
            if (args.Contains("--write")) await WriteAsync(table, "<!-- dotnet figures -->", "<!-- end of dotnet figures -->");
            return 0;
        }

        ImmutableArray<(Builder Builder, string Version)> builders = await FindAsync(bench);
        foreach ((Builder builder, string version) in builders)
            Console.Error.WriteLine($"{builder.Name}: {version}");

        Report report = new(builders, Machine(), DateTimeOffset.UtcNow);
        foreach (Row row in rows)
            await MeasureAsync(row, repeat * row.Weight, [.. builders.Select(b => b.Builder)], bench, report);

        Console.WriteLine(report);
        if (args.Contains("--write"))
            await WriteAsync(report.ToString(), Begin, End);
        return 0;
    }

    private static async Task<ImmutableArray<(Builder, string)>> FindAsync(Workbench bench)
    {
        ImmutableArray<string> prefix =
            [.. (Environment.GetEnvironmentVariable("KIMG_BENCH_PEER_PREFIX") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        Builder[] known =
        [
            new KimgBuilder(RepositoryFiles.Kimg, bench.Fresh("kimg-state")), new BuildxBuilder(prefix), new BuildctlBuilder(prefix), new BuildahBuilder(prefix),
        ];
        List<(Builder, string)> found = [];
        foreach (Builder builder in known)
        {
            if (await builder.VersionAsync() is { } version)
                found.Add((builder, version));
        }

        return [.. found];
    }

    private static async Task MeasureAsync(Row row, int repeat, ImmutableArray<Builder> builders, Workbench bench, Report report)
    {
        Dictionary<string, List<double>> values = builders.ToDictionary(b => b.Name, _ => new List<double>());
        Dictionary<string, string> failures = [];
        await row.PrepareAsync(bench);
        for (int repetition = -1; repetition < repeat; repetition++)
        {
            await row.BeforeAsync(bench, repetition);
            for (int turn = 0; turn < builders.Length; turn++)
            {
                // Who comes first changes, so that none has the warmer machine every time.
                Builder builder = builders[(turn + repetition + 1) % builders.Length];
                if (failures.ContainsKey(builder.Name))
                    continue;
                try
                {
                    double value = await row.MeasureAsync(bench, builder, repetition);
                    if (repetition >= 0)
                        values[builder.Name].Add(value);
                }
                catch (InvalidOperationException e)
                {
                    Console.Error.WriteLine(e.Message);
                    failures[builder.Name] = e.Message.Split('\n')[0];
                }
            }
        }

        Dictionary<string, Measurement> figures = values.Where(v => v.Value.Count > 0).ToDictionary(v => v.Key, v => new Measurement([.. v.Value]));
        report.Add(row, figures, failures);
        Console.Error.WriteLine($"{row.Name}: {string.Join(", ", figures.Select(f => $"{f.Key} {f.Value.Median:0.000}"))}");
    }

    private static async Task WriteAsync(string report, string from, string to)
    {
        string file = RepositoryFiles.Path("bench/README.md"), text = await File.ReadAllTextAsync(file);
        int begin = text.IndexOf(from, StringComparison.Ordinal) + from.Length, end = text.IndexOf(to, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, $"{text[..begin]}\n{report}{text[end..]}");
    }

    private static string? Value(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and int i && i + 1 < args.Length ? args[i + 1] : null;

    private static string Machine()
    {
        string memory = File.ReadLines("/proc/meminfo").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return $"{Environment.ProcessorCount} cores, {double.Parse(memory, CultureInfo.InvariantCulture) / (1 << 20):0} GiB, Linux {Environment.OSVersion.Version}, "
            + RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
    }
}
