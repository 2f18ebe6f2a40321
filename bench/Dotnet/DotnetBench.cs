using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Bench.Dotnet;

/// <summary><c>--dotnet</c>: <c>dotnet publish -t:BuildImage</c> beside the SDK's own <c>-t:PublishContainer</c>, on the same project, base and registry. Each
/// repetition begins with a clean project, an empty state directory and a new repository; then one line changes, then nothing.</summary>
internal sealed partial class DotnetBench(Workbench bench, CountingProxy registry)
{
    private static readonly ImmutableArray<(string Name, string Title, string Reach)> s_steps =
    [
        ("first", "first build", "1"),
        ("change", "one line changed", "0.5"),
        ("noop", "nothing changed", "0.2 (target time)"),
    ];

    private readonly Dictionary<(string Step, string Side), List<PublishFigures>> _figures = [];

    public async Task<string> RunAsync(int repeat)
    {
        await bench.ProvideAsync("dotnet-sdk");
        string template = await RestoreAsync();
        for (int repetition = -1; repetition < repeat; repetition++)
        {
            PublishSide[] order = repetition % 2 == 0 ? [PublishSide.Kimg, PublishSide.Sdk] : [PublishSide.Sdk, PublishSide.Kimg];
            foreach (PublishSide side in order) await RepeatAsync(template, side, repetition);
        }

        return Table();
    }

    private async Task<string> RestoreAsync()
    {
        string root = bench["dotnet-template"];
        await Workbench.CopyAsync(RepositoryFiles.Path("samples/dotnet"), root);
        await File.WriteAllTextAsync(Path.Combine(root, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="packed" value="{RepositoryFiles.Path("artifacts/packages")}" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
            </configuration>
            """);
        (await HostProgram.RunAsync("dotnet", ["restore", "webapi"], Environment("restore"), root)).OutputOrThrow();
        return root;
    }

    private async Task RepeatAsync(string template, PublishSide side, int repetition)
    {
        string run = $"{side.Target}-{repetition + 1}".ToLowerInvariant(), root = bench[run], project = Path.Combine(root, "webapi");
        // In place of the template, so that what was restored fits.
        Directory.Move(template, root + ".aside");
        try
        {
            await Workbench.CopyAsync(root + ".aside", template);
            project = Path.Combine(template, "webapi");
            foreach ((string step, _, _) in s_steps)
            {
                if (step == "change") await File.AppendAllTextAsync(Path.Combine(project, "Program.cs"), $"// {bench.Nonce} {repetition}\n");
                PublishFigures figures = await PublishAsync(project, side, run);
                if (repetition >= 0) Of(step, side).Add(figures);
            }
        }
        finally
        {
            Workbench.Remove(template);
            Directory.Move(root + ".aside", template);
        }
    }

    private async Task<PublishFigures> PublishAsync(string project, PublishSide side, string run)
    {
        registry.Reset();
        long began = Stopwatch.GetTimestamp();
        ProgramResult result = await HostProgram.RunAsync(
            "dotnet",
            [
                "publish", "--no-restore", "-nologo", "-clp:PerformanceSummary", $"-t:{side.Target}", $"-p:ContainerRegistry={registry.Host}", $"-p:ContainerRepository=dotnet/{run}",
                $"-p:ContainerBaseImage={registry.Host}/base/dotnet-sdk:latest",
            ],
            Environment(run),
            project);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        string tasks = result.OutputOrThrow().Split("Task Performance Summary:")[^1];
        double milliseconds = Lines().Matches(tasks).Where(line => side.OwnTasks.Contains(line.Groups[2].Value))
            .Sum(line => double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture));
        return new PublishFigures(seconds, milliseconds, registry.Sent);
    }

    private Dictionary<string, string> Environment(string run) => new()
    {
        ["NUGET_PACKAGES"] = bench["dotnet-packages"],
        ["KIMG_STATE_DIR"] = bench[run + "-state"],
        // Where the SDK keeps what it has downloaded.
        ["TMPDIR"] = bench.Fresh(run + "-tmp"),
        ["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Host,
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
    };

    private List<PublishFigures> Of(string step, PublishSide side)
    {
        if (!_figures.TryGetValue((step, side.Name), out List<PublishFigures>? list)) _figures[(step, side.Name)] = list = [];
        return list;
    }

    private string Table()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:yyyy-MM-dd}, samples/dotnet/webapi, the base in the same registry. Medians (least–most); × is kimg over the SDK.").AppendLine();
        text.AppendLine("| | kimg | SDK | × | to reach |").AppendLine("|---|---|---|---|---|");
        foreach ((string step, string title, string reach) in s_steps)
        {
            Row(text, $"{title}: whole command", step, f => f.Seconds, "0.00 s", reach == "1" ? reach : "");
            Row(text, $"{title}: target time", step, f => f.Milliseconds, "0 ms", reach == "1" ? "" : reach);
            Row(text, $"{title}: uploaded", step, f => f.Sent / 1000, "0.0 kB", "less");
        }

        return text.ToString();
    }

    private void Row(StringBuilder text, string title, string step, Func<PublishFigures, double> figure, string format, string reach)
    {
        Measurement own = new([.. Of(step, PublishSide.Kimg).Select(figure)]), other = new([.. Of(step, PublishSide.Sdk).Select(figure)]);
        string Show(Measurement m)
        {
            string[] parts = format.Split(' ');
            return string.Create(CultureInfo.InvariantCulture, $"{m.Median.ToString(parts[0], CultureInfo.InvariantCulture)} {parts[1]} ({m.Least.ToString(parts[0], CultureInfo.InvariantCulture)}–{m.Most.ToString(parts[0], CultureInfo.InvariantCulture)})");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"| {title} | {Show(own)} | {Show(other)} | {own.Median / other.Median:0.00} | {reach} |");
    }

    [GeneratedRegex(@"^\s*(\d+) ms\s+(\w+)\s+\d+ calls", RegexOptions.Multiline)]
    private static partial Regex Lines();
}
