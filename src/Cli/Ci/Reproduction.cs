using System.Globalization;
using System.Text;
using Kimg.Ci.Hosts;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;
using Kimg.Engine.Build;

namespace Kimg.Cli.Ci;

/// <summary>Commands that build the same elsewhere: what was asked for without where it was pushed, cached or reported. Secrets are named, never shown.</summary>
internal static class Reproduction
{
    private static readonly string[] s_leftOut =
    [
        BuildOptionRows.Push.Name, BuildOptionRows.CacheFrom.Name, BuildOptionRows.CacheTo.Name, BuildOptionRows.Output.Name, BuildOptionRows.MetadataFile.Name,
        BuildOptionRows.ImageIdFile.Name, BuildOptionRows.Progress.Name, BuildOptionRows.Quiet.Name, BuildOptionRows.Context.Name,
        EngineOptionRows.StateDirectory.Name, BuildOptionRows.Secret.Name,
    ];

    /// <summary>Attributes of an output that make another image.</summary>
    private static readonly string[] s_formats = ["compression", "compression-level", "force-compression", "oci-mediatypes", "rewrite-timestamp"];

    public static string Of(Arguments arguments, BuildRequest request, CiFacts facts)
    {
        var text = new StringBuilder();
        if (facts.Url.StartsWith("https://", StringComparison.Ordinal) && facts.Commit.Length > 0)
            text.Append("git clone ").Append(Quote(facts.Url)).Append(" source && cd source && git checkout ").Append(Quote(facts.Commit)).Append('\n');
        if (request.SourceDateEpoch is { } epoch && !request.BuildArgs.ContainsKey("SOURCE_DATE_EPOCH")) text.Append(CultureInfo.InvariantCulture, $"SOURCE_DATE_EPOCH={epoch} ");
        text.Append("kimg build");
        // Labels last: rules make many of them.
        foreach (OptionRow row in BuildOptionRows.All.Where(r => arguments.IsGiven(r) && !s_leftOut.Contains(r.Name)).OrderBy(r => r == BuildOptionRows.Label))
        {
            foreach (string value in arguments.Values(row))
                text.Append(' ').Append(row.Spelling).Append(row.Kind == ValueKind.Flag && value == "true" ? "" : "=" + Quote(value));
        }

        // The job's own token opens the context to the job; who reads this has other ways.
        foreach (SecretSource secret in request.Secrets.Where(s => !s.Id.StartsWith("GIT_AUTH_TOKEN.", StringComparison.Ordinal) || s.Variable != "GITHUB_TOKEN"))
            text.Append(" --secret=").Append(Quote("id=" + secret.Id));
        if (Format(arguments) is { Length: > 0 } format) text.Append(" --output=").Append(Quote("type=image" + format));
        return text.Append(' ').Append(Quote(arguments.Positionals is [var context] ? context : arguments.Value(BuildOptionRows.Context) ?? ".")).ToString();
    }

    private static string Format(Arguments arguments)
    {
        foreach (string output in arguments.Values(BuildOptionRows.Output))
        {
            IEnumerable<(string Key, string? Value)> pairs = Csv.Pairs(new OptionSource(BuildOptionRows.Output.Spelling, output), output);
            string[] kept = [.. pairs.Where(p => s_formats.Contains(p.Key) || p.Key.StartsWith("annotation", StringComparison.Ordinal)).Select(p => Field($"{p.Key}={p.Value}"))];
            if (kept.Length > 0) return "," + string.Join(',', kept);
        }

        return "";
    }

    private static string Field(string text) => text.AsSpan().IndexOfAny(',', '"') < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,@%+".Contains(c)) ? text : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
