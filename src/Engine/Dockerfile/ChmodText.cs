using System.Text.RegularExpressions;

namespace Kimg.Engine.Dockerfile;

/// <summary>The values of --chmod: an octal number up to 07777, or a symbolic mode as chmod(1) takes.</summary>
internal static partial class ChmodText
{
    public static bool IsValid(string text) => OctalPattern().IsMatch(text) || SymbolicPattern().IsMatch(text);

    [GeneratedRegex(@"^0*[0-7]{1,4}\z")]
    private static partial Regex OctalPattern();

    [GeneratedRegex(@"^[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+(?:,[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+)*\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SymbolicPattern();
}
