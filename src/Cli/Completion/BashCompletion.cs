using System.Text;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Completion;

internal static class BashCompletion
{
    private const string Start = """
        # bash completion for kimg: source it, or put it into /etc/bash_completion.d
        _kimg() {
          local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
          COMPREPLY=()
          # '=' is a word of its own for readline
          if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi

        """;

    public static string Render(IReadOnlyList<Verb> verbs)
    {
        var text = new StringBuilder(Start);
        string[] first = [.. verbs.Select(v => v.Name.Split(' ')[0]).Distinct()];
        text.Append($"  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"{string.Join(' ', first)}\" -- \"$cur\")); return; fi\n");
        foreach (IGrouping<string, Verb> group in verbs.Where(v => v.Name.Contains(' ')).GroupBy(v => v.Name.Split(' ')[0]))
        {
            string second = string.Join(' ', group.Select(v => v.Name.Split(' ')[1]));
            text.Append($"  if [ \"$verb\" = {group.Key} ]; then\n");
            text.Append($"    if [ \"$COMP_CWORD\" -eq 2 ]; then COMPREPLY=($(compgen -W \"{second}\" -- \"$cur\")); return; fi\n");
            text.Append("    verb=\"$verb ${COMP_WORDS[2]}\"\n  fi\n");
        }

        text.Append("  case \"$verb $prev\" in\n");
        foreach (Verb verb in verbs) Values(text, verb);
        text.Append("  esac\n  case \"$verb\" in\n");
        foreach (Verb verb in verbs)
        {
            IEnumerable<string> options = verb.Options.Concat(GlobalOptions.All).Select(o => o.Spelling);
            text.Append($"    '{verb.Name}') if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"{string.Join(' ', options)}\" -- \"$cur\"))");
            string more = verb.Name == "completion" ? $"-W \"{string.Join(' ', CompletionScripts.Shells)}\""
                : verb.Name == "help" ? $"-W \"{string.Join(' ', first)}\""
                : PathFlag(verb.PositionalPath);
            text.Append(more.Length == 0 ? "; fi ;;\n" : $"; else COMPREPLY=($(compgen {more} -- \"$cur\")); fi ;;\n");
        }

        return text.Append("  esac\n}\ncomplete -o filenames -F _kimg kimg\n").ToString();
    }

    private static void Values(StringBuilder text, Verb verb)
    {
        var free = new List<string>();
        foreach (OptionRow row in verb.Options.Concat(GlobalOptions.All).Where(o => o.Kind != ValueKind.Flag))
        {
            IEnumerable<string> spellings = row.Short is { } letter ? [row.Spelling, "-" + letter] : [row.Spelling];
            string pattern = string.Join('|', spellings.Select(s => $"'{verb.Name} {s}'"));
            string how = !row.Choices.IsEmpty ? $"-W \"{string.Join(' ', row.Choices)}\"" : PathFlag(row.Path);
            if (how.Length == 0) free.Add(pattern);
            else text.Append($"    {pattern}) COMPREPLY=($(compgen {how} -- \"$cur\")); return ;;\n");
        }

        if (free.Count > 0) text.Append($"    {string.Join('|', free)}) return ;;\n");
    }

    private static string PathFlag(PathKind path) => path switch
    {
        PathKind.File => "-f",
        PathKind.Directory => "-d",
        _ => "",
    };
}
