using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The rule that COPY and ADD name nothing .dockerignore hides.</summary>
internal static class ContextLints
{
    public static void ReportIgnored(Lowering lowering, TransferInstruction instruction, string path, Linter lint)
    {
        // With exceptions ("!") a hidden directory may hold visible files; the reference does not guess then.
        if (lowering.IgnoreMatcher is not { HasExclusions: false } matcher) return;
        string clean = ImagePath.Normalize(path).Value;
        string shown = path.StartsWith('/') ? "/" + clean : clean.Length == 0 ? "." : clean;
        if (clean.Length == 0 && !lowering.Options.IgnorePatterns!.Value.Any(p => p.Trim() is "*" or "**" or "**/*")) return;
        if (matcher.MatchesOrParentMatches(shown))
            lint.Report(LintRules.CopyIgnoredFile, instruction.Span, instruction is AddInstruction ? "Add" : "Copy", GoFormat.Quote(shown));
    }
}
