using System.Text;

namespace Kimg.Cli.CommandLine;

/// <summary>Help for the terminal, from the same rows as everything else.</summary>
internal static class HelpText
{
    private const int Width = 100;
    private const int MaxColumn = 34;

    public static string Overview(IEnumerable<Verb> verbs)
    {
        Verb[] all = [.. verbs];
        int column = all.Max(v => v.Name.Length) + 4;
        var text = new StringBuilder("kimg builds container images from Dockerfiles: no daemon, no root.\n\nUsage: kimg VERB [OPTIONS] …\n\nVerbs:\n");
        foreach (Verb verb in all) text.Append(("  " + verb.Name).PadRight(column)).Append(verb.Summary).Append('\n');
        return text.Append("\nkimg VERB --help tells more; kimg help KIMGnnnn explains an error.\n").ToString();
    }

    public static string For(Verb verb)
    {
        var text = new StringBuilder($"Usage: {verb.Usage}\n\n{verb.Summary}\n");
        if (verb.Details.Length > 0) text.Append('\n').Append(Wrap(verb.Details, 0));
        text.Append("\nOptions:\n");
        foreach (OptionRow row in verb.Options) Append(text, row);
        text.Append("\nOptions of every verb:\n");
        foreach (OptionRow row in GlobalOptions.All) Append(text, row);
        return text.ToString();
    }

    /// <summary>"-t, --tag NAME[:TAG]".</summary>
    public static string Spelling(OptionRow row) =>
        (row.Short is { } letter ? $"-{letter}, " : "    ") + row.Spelling + (row.Kind == ValueKind.Flag ? "" : " " + row.Value);

    /// <summary>The help sentence with choices, default and variable behind it.</summary>
    public static string Description(OptionRow row)
    {
        var text = new StringBuilder(row.Help);
        if (!row.Choices.IsEmpty) text.Append(": ").Append(string.Join(", ", row.Choices));
        if (row.Default is { } standard) text.Append(" (default: ").Append(standard).Append(')');
        if (row.Kind == ValueKind.Many) text.Append("; repeatable");
        if (row.Configurable) text.Append(" [").Append(row.Variable).Append(']');
        return text.ToString();
    }

    private static void Append(StringBuilder text, OptionRow row)
    {
        string left = "  " + Spelling(row);
        text.Append(left.Length > MaxColumn - 2 ? left + "\n" + new string(' ', MaxColumn) : left.PadRight(MaxColumn));
        text.Append(Wrap(Description(row), MaxColumn).TrimStart());
    }

    private static string Wrap(string sentence, int indent)
    {
        var text = new StringBuilder();
        string margin = new(' ', indent);
        foreach (string paragraph in sentence.Split('\n'))
        {
            var line = new StringBuilder(margin);
            foreach (string word in paragraph.Split(' '))
            {
                if (line.Length > indent && line.Length + word.Length + 1 > Width)
                {
                    text.Append(line).Append('\n');
                    line.Clear().Append(margin);
                }

                if (line.Length > indent) line.Append(' ');
                line.Append(word);
            }

            text.Append(line.ToString().TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}
