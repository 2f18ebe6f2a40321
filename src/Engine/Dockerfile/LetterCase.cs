namespace Kimg.Engine.Dockerfile;

internal static class LetterCase
{
    /// <summary>No letter is in upper case.</summary>
    public static bool IsLower(string text) => !text.Any(char.IsUpper);

    /// <summary>No letter is in lower case.</summary>
    public static bool IsUpper(string text) => !text.Any(char.IsLower);
}
