using System.Text;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Completion;

internal static class FishCompletion
{
    public static string Render(IReadOnlyList<Verb> verbs)
    {
        var text = new StringBuilder("# fish completion for kimg: save it as ~/.config/fish/completions/kimg.fish\ncomplete -c kimg -f\n");
        foreach (IGrouping<string, Verb> group in verbs.GroupBy(v => v.Name.Split(' ')[0]))
        {
            text.Append($"complete -c kimg -n __fish_use_subcommand -a {group.Key} -d {Quote(group.First().Summary)}\n");
            foreach (Verb verb in group) Append(text, verb);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, Verb verb)
    {
        string[] words = verb.Name.Split(' ');
        string condition = "__fish_seen_subcommand_from " + words[^1];
        if (words.Length == 2)
            text.Append($"complete -c kimg -n '__fish_seen_subcommand_from {words[0]}; and not {condition}' -a {words[1]} -d {Quote(verb.Summary)}\n");
        if (verb.Name == "completion") text.Append($"complete -c kimg -n '{condition}' -a {Quote(string.Join(' ', CompletionScripts.Shells))}\n");
        if (verb.PositionalPath != PathKind.None) text.Append($"complete -c kimg -n '{condition}' -F\n");
        foreach (OptionRow row in verb.Options.Concat(GlobalOptions.All))
        {
            text.Append($"complete -c kimg -n '{condition}' -l {row.Name}");
            if (row.Short is { } letter) text.Append($" -s {letter}");
            if (row.Kind != ValueKind.Flag) text.Append(" -r");
            if (!row.Choices.IsEmpty) text.Append($" -a {Quote(string.Join(' ', row.Choices))}");
            else if (row.Path != PathKind.None) text.Append(" -F");
            text.Append($" -d {Quote(row.Help)}\n");
        }
    }

    private static string Quote(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
