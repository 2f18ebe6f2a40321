using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Kimg.Bench;

/// <summary>The table and the chart, as Markdown.</summary>
internal sealed class Report(ImmutableArray<(Builder Builder, string Version)> builders, string machine, DateTimeOffset date)
{
    private readonly List<(Row Row, Dictionary<string, Measurement> Figures, Dictionary<string, string> Failures)> _rows = [];

    public void Add(Row row, Dictionary<string, Measurement> figures, Dictionary<string, string> failures) => _rows.Add((row, figures, failures));

    public override string ToString()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd}, {machine}. Medians (least–most); × is kimg's median over the peer's.");
        text.AppendLine(string.Join("; ", builders.Select(b => $"{b.Builder.Name}: {b.Version}")) + ".").AppendLine();
        Table(text);
        Chart(text);
        foreach ((Row row, _, Dictionary<string, string> failures) in _rows)
        {
            foreach ((string builder, string reason) in failures)
                text.AppendLine(CultureInfo.InvariantCulture, $"- {row.Name}, {builder}: {reason}");
        }

        return text.ToString();
    }

    private void Table(StringBuilder text)
    {
        text.Append("| |").AppendJoin(" |", builders.Select((b, i) => i == 0 ? $" {b.Builder.Name}" : $" {b.Builder.Name} | ×")).AppendLine(" | to reach, goal |");
        text.Append("|---").Insert(text.Length, "|---", (builders.Length * 2) - 1).AppendLine("|---|");
        foreach ((Row row, Dictionary<string, Measurement> figures, _) in _rows)
        {
            text.Append("| ").Append(row.Title);
            foreach ((Builder builder, _) in builders)
            {
                Measurement? own = figures.GetValueOrDefault(builder.Name);
                text.Append(" | ").Append(own is null ? "–" : Figure(row, own));
                if (builder != builders[0].Builder)
                    text.Append(" | ").Append(Ratio(figures, builder) is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "–");
            }

            text.AppendLine(CultureInfo.InvariantCulture, $" | {row.Target.Least:0.##}, {row.Target.Goal:0.##} |");
        }
    }

    /// <summary>kimg over docker buildx, or the first peer there is: a full bar is twice its figure.</summary>
    private void Chart(StringBuilder text)
    {
        if (builders.Length < 2)
            return;
        Builder peer = builders[1].Builder;
        text.AppendLine().AppendLine("```").AppendLine(CultureInfo.InvariantCulture, $"kimg over {peer.Name}; | is equal");
        foreach ((Row row, Dictionary<string, Measurement> figures, _) in _rows)
        {
            if (Ratio(figures, peer) is not { } ratio)
                continue;
            int length = (int)Math.Round(Math.Min(ratio, 2) * 30);
            string bar = new string('█', length).PadRight(60);
            text.AppendLine(CultureInfo.InvariantCulture, $"{row.Name,-13}{bar[..30]}|{bar[30..]} {ratio:0.00}");
        }

        text.AppendLine("```").AppendLine();
    }

    private double? Ratio(Dictionary<string, Measurement> figures, Builder peer) =>
        figures.TryGetValue(builders[0].Builder.Name, out Measurement? own) && figures.TryGetValue(peer.Name, out Measurement? other) ? own.Median / other.Median : null;

    private static string Figure(Row row, Measurement m) => row.IsMemory
        ? string.Create(CultureInfo.InvariantCulture, $"{Mebi(m.Median):0} MiB ({Mebi(m.Least):0}–{Mebi(m.Most):0})")
        : string.Create(CultureInfo.InvariantCulture, $"{m.Median:0.000} s ({m.Least:0.000}–{m.Most:0.000})");

    private static double Mebi(double bytes) => bytes / (1 << 20);
}
