using System.Text.RegularExpressions;

namespace Kimg.Tasks;

/// <summary>Which names a Dockerfile's ARG instructions declare: one of them may have several, on several lines.</summary>
internal static partial class DeclaredArguments
{
    public static HashSet<string> Of(string dockerfile)
    {
        char escape = Escape().Match(dockerfile) is { Success: true } directive ? directive.Groups[1].Value[0] : '\\';
        HashSet<string> names = new(StringComparer.Ordinal);
        string? instruction = null;
        foreach (string raw in dockerfile.Split('\n'))
        {
            string line = raw.Trim();
            // A comment between the lines of an instruction is none of it.
            if (line.StartsWith('#')) continue;
            bool continued = line.EndsWith(escape);
            instruction = $"{instruction} {(continued ? line[..^1] : line)}";
            if (continued) continue;
            Add(instruction.Trim(), names);
            instruction = null;
        }

        if (instruction is not null) Add(instruction.Trim(), names);
        return names;
    }

    private static void Add(string instruction, HashSet<string> names)
    {
        if (!Declaration().IsMatch(instruction)) return;
        foreach (Match word in Word().Matches(instruction[3..])) names.Add(word.Value.Split('=', 2)[0]);
    }

    [GeneratedRegex(@"\A(?:\s*#.*\n)*?\s*#\s*escape\s*=\s*([\\`])", RegexOptions.IgnoreCase)]
    private static partial Regex Escape();

    [GeneratedRegex(@"^ARG\s", RegexOptions.IgnoreCase)]
    private static partial Regex Declaration();

    // A value may be in quotes and have blanks there.
    [GeneratedRegex("""(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+""")]
    private static partial Regex Word();
}
