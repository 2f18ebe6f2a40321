using System.Text;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Completion;

internal static class ZshCompletion
{
    public static string Render(IReadOnlyList<Verb> verbs)
    {
        var text = new StringBuilder("#compdef kimg\n# zsh completion for kimg: save it as _kimg in a directory of $fpath\n");
        text.Append("_kimg() {\n  local verb=$words[2]\n");
        text.Append("  if (( CURRENT == 2 )); then\n    local -a verbs=(\n");
        foreach (IGrouping<string, Verb> group in verbs.GroupBy(v => v.Name.Split(' ')[0]))
            text.Append($"      {Quote($"{group.Key}:{group.First().Summary}")}\n");
        text.Append("    )\n    _describe verb verbs\n    return\n  fi\n");
        foreach (IGrouping<string, Verb> group in verbs.Where(v => v.Name.Contains(' ')).GroupBy(v => v.Name.Split(' ')[0]))
        {
            string second = string.Join(' ', group.Select(v => v.Name.Split(' ')[1]));
            text.Append($"  if [[ $verb == {group.Key} ]]; then\n    if (( CURRENT == 3 )); then compadd {second}; return; fi\n");
            text.Append("    verb=\"$verb $words[3]\"\n    shift words; (( CURRENT-- ))\n  fi\n");
        }

        text.Append("  shift words; (( CURRENT-- ))\n  case $verb in\n");
        foreach (Verb verb in verbs)
        {
            text.Append($"    {Quote(verb.Name)}) _arguments -s");
            foreach (OptionRow row in verb.Options.Concat(GlobalOptions.All)) text.Append(" \\\n      ").Append(Spec(row));
            string action = verb.Name == "completion" ? $"({string.Join(' ', CompletionScripts.Shells)})" : Action(verb.PositionalPath);
            text.Append(" \\\n      ").Append(Quote($"*:argument:{action}")).Append(" ;;\n");
        }

        return text.Append("  esac\n}\ncompdef _kimg kimg\n").ToString();
    }

    private static string Spec(OptionRow row)
    {
        string help = row.Help.Replace('[', '(').Replace(']', ')').Replace(":", " -", StringComparison.Ordinal);
        string value = row.Kind == ValueKind.Flag ? "" : $":value:{(row.Choices.IsEmpty ? Action(row.Path) : $"({string.Join(' ', row.Choices)})")}";
        string repeat = row.Kind == ValueKind.Many ? "*" : "";
        string attach = row.Kind == ValueKind.Flag ? "" : "=";
        string text = Quote($"{repeat}{row.Spelling}{attach}[{help}]{value}");
        return row.Short is { } letter ? $"{text} {Quote($"{repeat}-{letter}{(attach.Length > 0 ? "+" : "")}[{help}]{value}")}" : text;
    }

    private static string Action(PathKind path) => path switch
    {
        PathKind.File => "_files",
        PathKind.Directory => "_files -/",
        _ => " ",
    };

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
