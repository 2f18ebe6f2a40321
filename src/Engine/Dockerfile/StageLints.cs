using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The lint rules that look at stages and variables.</summary>
internal static partial class StageLints
{
    /// <summary>Rules that need only the file: continuation lines, casing, names of stages.</summary>
    public static void CheckFile(BoundDockerfile file, Linter linter)
    {
        foreach (int line in file.Ast.EmptyContinuations)
            linter.Report(LintRules.NoEmptyContinuation, new SourceSpan(file.Ast.FileName, line, 1, line, 1) { Source = file.Ast.Source });
        var names = new HashSet<string>();
        foreach (FromInstruction from in file.Stages.Select(s => s.From))
        {
            if (from.Name is null) continue;
            if (from.Name is "context" or "scratch") linter.Report(LintRules.ReservedStageName, from.Span, from.Name);
            if (!names.Add(from.Name)) linter.Report(LintRules.DuplicateStageName, from.Span, from.Name);
        }

        ImmutableArray<Instruction> all = [.. file.Stages.SelectMany(s => s.Instructions.Prepend(s.From))];
        int lower = all.Count(i => LetterCase.IsLower(i.Text.Keyword));
        int upper = all.Count(i => !LetterCase.IsLower(i.Text.Keyword) && LetterCase.IsUpper(i.Text.Keyword));
        bool mostlyLower = lower > upper;
        foreach (InstructionText text in all.Select(i => i.Text))
        {
            if (mostlyLower ? LetterCase.IsLower(text.Keyword) : LetterCase.IsUpper(text.Keyword)) continue;
            linter.Report(LintRules.ConsistentInstructionCasing, text.Span, text.Keyword, mostlyLower ? "lowercase" : "uppercase");
        }
    }

    public static void ReportUndeclared(Lowering lowering, IEnumerable<string> unmatched, SourceSpan span, Linter linter)
    {
        HashSet<string> known = [.. lowering.Outline.Arguments.Keys, .. lowering.GlobalArgs.Names];
        foreach (string name in unmatched.Where(n => !known.Contains(n)))
            linter.Report(LintRules.UndefinedArgInFrom, span, name, DidYouMean(name, known, ""));
    }

    public static void ReportPlatform(Lowering lowering, FromInstruction from, string result, WordExpander expansion, Linter linter)
    {
        if (expansion.Matched.Count == 1 && expansion.Unmatched.Count == 0 && expansion.Matched.Contains("TARGETPLATFORM")
            && result == lowering.GlobalArgs.Get("TARGETPLATFORM"))
        {
            linter.Report(LintRules.RedundantTargetPlatform, from.Span, from.Platform!);
        }

        if (expansion.Matched.Count > 0 || expansion.Unmatched.Count > 0) return;
        string[] parts = result.ToLowerInvariant().Split('/');
        string name = from.Name ?? "";
        if (result.Length == 0 || parts.Length > 3 || parts.Contains("")) return;
        (string os, string architecture) = parts.Length > 1 ? (parts[0], parts[1]) : ("linux", parts[0]);
        if (name.Contains(os, StringComparison.Ordinal) || name.Contains(architecture, StringComparison.Ordinal)) return;
        linter.Report(LintRules.FromPlatformFlagConstDisallowed, from.Span, result);
    }

    public static void ReportBasePlatform(string name, Platform expected, ImageConfig config, SourceSpan span, Linter linter)
    {
        if (config.Os.Length == 0 || (expected.Os == config.Os && expected.Architecture == config.Architecture)) return;
        Platform actual = Platform.Normalize(config.Os, config.Architecture, config.Variant);
        linter.Report(LintRules.InvalidBaseImagePlatform, span, name, actual, Platform.Normalize(expected.Os, expected.Architecture, expected.Variant));
    }

    public static void ReportUndefined(StageNode node, IEnumerable<string> unmatched, SourceSpan span, Linter linter)
    {
        foreach (string name in unmatched.Order(StringComparer.Ordinal))
        {
            if (node.BuildArgs.Any(a => a.Key == name) || SpecialArguments.IsScan(name)) continue;
            linter.Report(LintRules.UndefinedVar, span, name, DidYouMean(name, node.Env.Names, "$"));
        }
    }

    public static void ReportSecret(string keyword, string key, SourceSpan span, Linter linter)
    {
        if (SecretPattern().IsMatch(key) && !PublicPattern().IsMatch(key))
            linter.Report(LintRules.SecretsUsedInArgOrEnv, span, keyword, GoFormat.Quote(key));
    }

    /// <summary>Notes the use of an instruction of which only the last one counts; the finding stands at the earlier one.</summary>
    public static SourceSpan Once(InstructionText text, SourceSpan? earlier, Linter linter)
    {
        if (earlier is not null) linter.Report(LintRules.MultipleInstructionsDisallowed, earlier, text.Keyword);
        return text.Span;
    }

    // The reference takes the nearest within two edits, and none when a name differs in nothing.
    private static string DidYouMean(string word, IEnumerable<string> names, string sign) =>
        Suggestion.Nearest(word, names) is { } near ? $" (did you mean {sign}{near}?)" : "";

    [GeneratedRegex("(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)", RegexOptions.IgnoreCase)]
    private static partial Regex SecretPattern();

    [GeneratedRegex("(?:_|^)(?:public|file|version)(?:_|$)", RegexOptions.IgnoreCase)]
    private static partial Regex PublicPattern();
}
