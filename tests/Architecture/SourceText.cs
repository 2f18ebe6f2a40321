using System.Text.RegularExpressions;

namespace Kimg.Architecture;

/// <summary>C# source without what only looks like code: comments, and the insides of string literals.</summary>
internal static partial class SourceText
{
    /// <summary>As many lines as the file has, so that a rule can name the line.</summary>
    public static string[] Code(string file) =>
        NotCode().Replace(Repository.Read(file), Blank).Split('\n');

    private static string Blank(Match match) =>
        match.Value[0] is '/' ? Newlines(match.Value) : "\"" + Newlines(match.Value) + "\"";

    private static string Newlines(string text) => new('\n', text.Count(c => c == '\n'));

    [GeneratedRegex("""
        //[^\n]* | /\*.*?\*/ | ["]{3}.*?["]{3} | \$*@["](?:[^"]|[""]{2})*["] | ["](?:\\.|[^"\\\n])*["] | '(?:\\.|[^'\\\n])+'
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex NotCode();
}
