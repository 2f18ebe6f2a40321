namespace Kimg.Engine.Snapshots;

/// <summary>The driver that made the directories under one way of writing owners: a file beside them, so that it is known without asking which driver works.
/// A hint; a wrong one costs steps that run again.</summary>
internal static class SnapshotDriver
{
    private const int MaxLength = 32;

    /// <param name="directory">Of all drivers.</param>
    internal static string? Last(string directory)
    {
        try
        {
            string path = PathIn(directory);
            if (new FileInfo(path) is not { Exists: true, Length: <= MaxLength }) return null;
            string name = File.ReadAllText(path);
            return name.All(c => c == '-' || char.IsAsciiLetterOrDigit(c)) ? name : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    internal static void Remember(string directory, string driver)
    {
        if (Last(directory) == driver) return;
        string temporary = Path.Combine(directory, ".driver-" + Guid.NewGuid().ToString("N"));
        File.WriteAllText(temporary, driver);
        File.Move(temporary, PathIn(directory), overwrite: true);
    }

    private static string PathIn(string directory) => Path.Combine(directory, "driver");
}
