using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>docs/cli.md; a test keeps the file equal to this.</summary>
internal static class MarkdownHelp
{
    private const string Introduction = """
        # The command line

        <!-- Made from the option tables in src/Cli; a test keeps it so. KIMG_UPDATE_GOLDEN=1 writes it again. -->

        Results go to stdout, progress and errors to stderr. An option may be written `--name value` or `--name=value`, a short one also `-nvalue`;
        `--` ends the options. An option that is marked with a variable may also be set by it, or under its name in the configuration file
        `$XDG_CONFIG_HOME/kimg/config.json` (another file: `KIMG_CONFIG`): a JSON object such as
        `{ "progress": "plain", "registry-mirror": ["docker.io=mirror.example.com"] }`. The command line wins over the environment, and that over
        the file. A repeatable option is a comma-separated list in the environment.

        Ctrl-C and SIGTERM stop a build and clean up; a second one ends kimg at once. `NO_COLOR` switches colours off. `SOURCE_DATE_EPOCH` is honoured as
        by BuildKit.


        """;

    private static readonly (int Code, string Meaning)[] s_exitCodes =
    [
        (0, "done"),
        (1, "internal error, a bug in kimg (9xxx)"),
        (2, "usage (1xxx)"),
        (3, "Dockerfile, or findings of `kimg check` (2xxx)"),
        (4, "a step failed (3xxx)"),
        (5, "registry, network or authentication (4xxx)"),
        (6, "this machine cannot sandbox (5xxx)"),
        (7, "verification or policy (6xxx)"),
        (8, "storage: disk full, permission (7xxx)"),
        (130, "interrupted (8xxx)"),
    ];

    public static string Render(IEnumerable<Verb> verbs)
    {
        var text = new StringBuilder(Introduction);
        text.Append("## Exit codes\n\n| code | meaning |\n|---|---|\n");
        foreach ((int code, string meaning) in s_exitCodes) text.Append(CultureInfo.InvariantCulture, $"| {code} | {meaning} |\n");
        text.Append("\nEach error has a page: `kimg help KIMG2003`, or [errors](errors/README.md).\n\n## Options of every verb\n\n");
        Table(text, GlobalOptions.All);
        foreach (Verb verb in verbs)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## kimg {verb.Name}\n\n{verb.Summary}.\n\n```\n{verb.Usage}\n```\n");
            if (verb.Details.Length > 0) text.Append('\n').Append(Escape(verb.Details)).Append('\n');
            if (verb.Options.IsEmpty) continue;
            text.Append('\n');
            Table(text, verb.Options);
        }

        return text.ToString();
    }

    public static string ErrorIndex(Func<ErrorCode, string> title)
    {
        var text = new StringBuilder("# Error codes\n\n<!-- A test keeps this list equal to the codes. -->\n\n| code | | exit code |\n|---|---|---|\n");
        foreach (ErrorCode code in Enum.GetValues<ErrorCode>())
            text.Append(CultureInfo.InvariantCulture, $"| [{code.Name()}]({code.Name()}.md) | {title(code)} | {code.ToExitCode()} |\n");
        return text.ToString();
    }

    private static void Table(StringBuilder text, IEnumerable<OptionRow> rows)
    {
        text.Append("| option | |\n|---|---|\n");
        foreach (OptionRow row in rows)
        {
            string spelling = HelpText.Spelling(row).Trim().Replace("|", "\\|", StringComparison.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"| `{spelling}` | {Escape(HelpText.Description(row))} |\n");
        }
    }

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
