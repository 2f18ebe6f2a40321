namespace Kimg.Cli.Kaniko;

/// <summary>kimg under another builder's name: <c>executor</c> (Kaniko) and <c>kimia</c>, by the name it is started with or by the flags that it is given without a verb.</summary>
internal static class KanikoCommandLine
{
    private static readonly string[] s_booleans = ["true", "false", "yes", "no", "1", "0", "on", "off"];

    /// <summary>argv of kimg. What kimg is started with under its own name stays as it is.</summary>
    /// <param name="program">argv[0].</param>
    public static string[] Translate(string program, string[] argv) => (Path.GetFileName(program), argv) switch
    {
        ("executor" or "kimia", ["version" or "--version"]) or ("kimia", ["-version"]) => ["version"],
        ("executor" or "kimia", ["help" or "-h"]) or ("kimia", [] or ["-help"]) => ["kaniko", "--help"],
        ("kimia", ["check-environment", .. var rest]) => ["doctor", .. rest],
        ("executor" or "kimia", ["login", .. var rest]) => ["login", .. rest],
        ("kimia", _) => ["kaniko", KanikoFlags.Kimia.Spelling, .. Spell(argv)],
        ("executor", _) => ["kaniko", .. Spell(argv)],
        (_, ["kaniko", .. var rest]) => ["kaniko", .. Spell(rest)],
        _ when VerblessLine.Program(argv) is { } other => Translate(other, argv),
        _ => argv,
    };

    // Kimia takes "--cache true" as two words; Kaniko's log format "color" is text on a terminal.
    private static IEnumerable<string> Spell(string[] argv)
    {
        for (int i = 0; i < argv.Length; i++)
        {
            string? next = i + 1 < argv.Length ? argv[i + 1] : null;
            if (argv[i] == "--cache" && next is not null && s_booleans.Contains(next, StringComparer.OrdinalIgnoreCase))
            {
                yield return "--cache=" + (next.ToLowerInvariant() is "true" or "yes" or "1" or "on" ? "true" : "false");
                i++;
            }
            else if (argv[i] == "--log-format" && next == "color")
            {
                yield return "--log-format=text";
                i++;
            }
            else yield return argv[i] == "--log-format=color" ? "--log-format=text" : argv[i];
        }
    }
}
