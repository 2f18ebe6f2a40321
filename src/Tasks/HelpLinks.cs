namespace Kimg.Tasks;

/// <summary>The page of an error, which an IDE opens from its list of errors.</summary>
internal static class HelpLinks
{
    // The targets have it, too: some errors are told before this assembly can be loaded.
    private const string Pages = "https://github.com/kimg/kimg/blob/main/docs/errors/";

    /// <returns>Null when the code has no page.</returns>
    public static string? Of(string code) =>
        code.Length == 8 && code.StartsWith("KIMG", StringComparison.Ordinal) && code.AsSpan(4).IndexOfAnyExceptInRange('0', '9') < 0 ? $"{Pages}{code}.md" : null;
}
