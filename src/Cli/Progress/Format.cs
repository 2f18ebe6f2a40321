using System.Globalization;
using Kimg.Engine.Build;

namespace Kimg.Cli.Progress;

/// <summary>Numbers as people read them.</summary>
internal static class Format
{
    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary>Powers of 1000, as image sizes are given everywhere: 12.34MB.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; value >= 1000 && unit < s_units.Length - 1; unit++) value /= 1000;
        return value.ToString(unit == 0 ? "0" : "0.00", CultureInfo.InvariantCulture) + s_units[unit];
    }

    public static string Seconds(TimeSpan time) => Math.Max(0, time.TotalSeconds).ToString("0.0", CultureInfo.InvariantCulture) + "s";

    public static string Milliseconds(TimeSpan time) => Math.Max(0, time.TotalSeconds).ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>"sha256:… 12.34MB / 45.00MB"</summary>
    public static string Transfer(VertexProgress transfer)
    {
        string name = OutputSanitizer.OneLine(transfer.Id);
        if (transfer.Total > 0) return $"{name} {Bytes(transfer.Current)} / {Bytes(transfer.Total)}";
        return transfer.Current > 0 ? $"{name} {Bytes(transfer.Current)}" : name;
    }

    public static string Elapsed(VertexProgress transfer, DateTimeOffset now) => Seconds((transfer.Completed ?? now) - transfer.Started);
}
