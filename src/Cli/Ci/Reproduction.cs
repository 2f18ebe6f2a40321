using System.Text;
using Kimg.Ci.Hosts;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;

namespace Kimg.Cli.Ci;

/// <summary>Commands that build the same elsewhere: what was asked for without where it was pushed, cached or reported. Secrets are named, never shown.</summary>
internal static class Reproduction
{
    private static readonly string[] s_leftOut =
    [
        BuildOptionRows.Push.Name, BuildOptionRows.CacheFrom.Name, BuildOptionRows.CacheTo.Name, BuildOptionRows.Output.Name, BuildOptionRows.MetadataFile.Name,
        BuildOptionRows.ImageIdFile.Name, BuildOptionRows.Progress.Name, BuildOptionRows.Quiet.Name, BuildOptionRows.Context.Name, BuildOptionRows.Label.Name,
        EngineOptionRows.StateDirectory.Name, BuildOptionRows.Secret.Name,
    ];

    public static string Of(Arguments arguments, CiFacts facts)
    {
        var text = new StringBuilder();
        if (facts.Url.StartsWith("https://", StringComparison.Ordinal) && facts.Commit.Length > 0)
            text.Append("git clone ").Append(Quote(facts.Url)).Append(" source && cd source && git checkout ").Append(Quote(facts.Commit)).Append('\n');
        text.Append("kimg build");
        foreach (OptionRow row in BuildOptionRows.All.Where(r => arguments.IsGiven(r) && !s_leftOut.Contains(r.Name)))
        {
            foreach (string value in arguments.Values(row))
                text.Append(' ').Append(row.Spelling).Append(row.Kind == ValueKind.Flag && value == "true" ? "" : "=" + Quote(value));
        }

        foreach (string secret in arguments.Values(BuildOptionRows.Secret)) text.Append(" --secret ").Append(Quote(secret.Split(',')[0]));
        return text.Append(' ').Append(Quote(arguments.Positionals is [var context] ? context : arguments.Value(BuildOptionRows.Context) ?? ".")).ToString();
    }

    private static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,@%+".Contains(c)) ? text : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
