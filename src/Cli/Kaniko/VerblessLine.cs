using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;

namespace Kimg.Cli.Kaniko;

/// <summary>A line of flags without a verb: what a pod gives an image whose name alone was changed, because Kaniko's and Kimia's images start their builder and kimg's image
/// starts kimg.</summary>
internal static class VerblessLine
{
    private static readonly string[] s_archives = [".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"];

    /// <summary>"kimia", "executor", or null when the line is for neither: then the missing verb is the user's mistake.</summary>
    public static string? Program(string[] argv)
    {
        // A line that kimg build could be meant by stays an error.
        if (First(argv) is null || !argv.Any(word => Find(word) is { } flag && !IsOfBuild(word, flag))) return null;
        return argv.Any(word => Find(word)?.Of == "Kimia") || IsKimias(Context(argv)) ? "kimia" : "executor";
    }

    // Behind options that every verb takes; "-v" alone asks for kimg's version.
    private static KanikoFlag? First(string[] argv)
    {
        for (int i = 0; i < argv.Length && argv is not ["-v"]; i++)
        {
            string name = argv[i].Split('=')[0];
            if (GlobalOptions.All.FirstOrDefault(o => o.Spelling == name || "-" + o.Short == name) is not { } shared) return Find(argv[i]);
            if (shared.Kind != ValueKind.Flag && name == argv[i]) i++;
        }

        return null;
    }

    private static KanikoFlag? Find(string word)
    {
        if (word.StartsWith("--", StringComparison.Ordinal)) return KanikoFlags.All.FirstOrDefault(f => f.Row.Spelling == word.Split('=')[0]);
        return word.Length > 1 && word[0] == '-' ? KanikoFlags.All.FirstOrDefault(f => f.Short == word[1]) : null;
    }

    private static bool IsOfBuild(string word, KanikoFlag flag) =>
        word.StartsWith("--", StringComparison.Ordinal) ? BuildOptionRows.All.Any(o => o.Name == flag.Name) : BuildOptionRows.All.Any(o => o.Short == flag.Short);

    private static string? Context(string[] argv)
    {
        for (int i = 0; i < argv.Length; i++)
        {
            if (argv[i] is "--context" or "-c") return i + 1 < argv.Length ? argv[i + 1] : null;
            foreach (string spelling in new[] { "--context=", "-c=", "-c" })
                if (argv[i].StartsWith(spelling, StringComparison.Ordinal)) return argv[i][spelling.Length..];
        }

        return null;
    }

    // https:// is an archive for Kaniko and a repository for Kimia. A signed address has a query, and an archive says that it is one.
    private static bool IsKimias(string? context) => context is not null && (context.StartsWith("git@", StringComparison.Ordinal)
        || (context.StartsWith("https://", StringComparison.Ordinal) && !context.Contains('?') && !s_archives.Any(end => context.EndsWith(end, StringComparison.Ordinal))));
}
