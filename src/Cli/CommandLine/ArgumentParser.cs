using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>argv → <see cref="Arguments"/> for one verb. Only that verb's options are made known to System.CommandLine: start-up time.</summary>
internal static class ArgumentParser
{
    public static Arguments Parse(Verb verb, ReadOnlySpan<string> argv, Func<IEnumerable<OptionRow>, Settings> settings)
    {
        int end = argv.IndexOf("--");
        ImmutableArray<OptionRow> rows = [.. verb.Options, .. GlobalOptions.All];
        var values = new Dictionary<string, ImmutableArray<string>>(StringComparer.Ordinal);
        List<string> tokens = TakeSetFlags(end < 0 ? argv : argv[..end], rows, values);
        var command = new Command("verb");
        var positionals = new Argument<string[]>("positionals") { Arity = ArgumentArity.ZeroOrMore };
        command.Arguments.Add(positionals);
        var options = new (OptionRow Row, Option Option)[rows.Length];
        for (int i = 0; i < rows.Length; i++) command.Options.Add((options[i] = (rows[i], ToOption(rows[i]))).Option);

        // No response files: an argument may start with '@'.
        ParseResult result = command.Parse(tokens, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var found = new List<string>();
        if (result.GetResult(positionals) is { } argument) found.AddRange(argument.Tokens.Select(t => t.Value));
        found.AddRange(result.UnmatchedTokens.Where(t => !found.Contains(t)));
        foreach (string token in found)
        {
            if (token.Length > 1 && token[0] == '-') throw Unknown(verb, rows, token);
        }

        if (end >= 0) found.AddRange(argv[(end + 1)..]);
        foreach ((OptionRow row, Option option) in options)
        {
            if (result.GetResult(option) is { Implicit: false } given) values.TryAdd(row.Name, ValuesOf(row, given));
        }

        CheckCount(verb, found);
        return new Arguments([.. found], values, settings(rows));
    }

    // "--push=false": a flag takes no value for System.CommandLine, so that in "--push true" the second word stays an argument, as for docker.
    private static List<string> TakeSetFlags(ReadOnlySpan<string> argv, ImmutableArray<OptionRow> rows, Dictionary<string, ImmutableArray<string>> values)
    {
        var rest = new List<string>(argv.Length);
        foreach (string token in argv)
        {
            int equals = token.StartsWith('-') ? token.IndexOf('=') : -1;
            string name = equals < 0 ? "" : token[..equals];
            if (equals > 0 && rows.FirstOrDefault(r => r.Kind == ValueKind.Flag && (r.Spelling == name || "-" + r.Short == name)) is { } flag)
                values[flag.Name] = [token[(equals + 1)..]];
            else rest.Add(token);
        }

        return rest;
    }

    private static Option ToOption(OptionRow row)
    {
        string[] aliases = row.Short is { } letter ? ["-" + letter] : [];
        return row.Kind == ValueKind.Flag
            ? new Option<bool>(row.Spelling, aliases) { Arity = ArgumentArity.Zero }
            : new Option<string[]>(row.Spelling, aliases) { AllowMultipleArgumentsPerToken = false, Arity = ArgumentArity.OneOrMore };
    }

    private static ImmutableArray<string> ValuesOf(OptionRow row, OptionResult result)
    {
        ImmutableArray<string> values = [.. result.Tokens.Select(t => t.Value)];
        if (row.Kind == ValueKind.Flag) return ["true"];
        if (values.Length >= result.IdentifierTokenCount) return values;
        throw new KimgException(ErrorCode.InvalidArgument, $"option '{row.Spelling}' needs a value")
        {
            Hint = $"write {row.Spelling} {row.Value}",
        };
    }

    private static KimgException Unknown(Verb verb, ImmutableArray<OptionRow> rows, string token)
    {
        string name = token.Split('=')[0];
        string? near = name.StartsWith("--", StringComparison.Ordinal) ? Suggestion.Nearest(name, rows.Select(r => r.Spelling)) : null;
        return new KimgException(ErrorCode.InvalidArgument, $"unknown option '{name}' for kimg {verb.Name}")
        {
            Hint = near is null ? $"kimg {verb.Name} --help lists the options" : $"did you mean '{near}'?",
        };
    }

    private static void CheckCount(Verb verb, List<string> found)
    {
        if (found.Count >= verb.MinPositionals && found.Count <= verb.MaxPositionals) return;
        string problem = found.Count > verb.MaxPositionals ? $"unexpected argument '{found[verb.MaxPositionals]}'" : $"{verb.Positionals} is missing";
        throw new KimgException(ErrorCode.InvalidArgument, $"{problem} (kimg {verb.Name})") { Hint = "usage: " + verb.Usage };
    }
}
