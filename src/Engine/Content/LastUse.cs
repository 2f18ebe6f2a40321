namespace Kimg.Engine.Content;

/// <summary>The modification time of what the state directory keeps says when it was last used: prune and automatic collection go by it. It is set only when it is
/// older than an hour, so that builds one after another write nothing. Like everything about a cache it never fails a build.</summary>
internal static class LastUse
{
    private static readonly TimeSpan s_precision = TimeSpan.FromHours(1);

    /// <summary>Whether it is there and was last used long enough ago to be marked.</summary>
    public static bool IsAging(FileInfo file) => file.Exists && Now - file.LastWriteTimeUtc >= s_precision;

    private static DateTime Now => TimeProvider.System.GetUtcNow().UtcDateTime;

    /// <summary>Whether the file is there; if so, it is used now.</summary>
    public static bool Find(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists) return false;
        Mark(file);
        return true;
    }

    /// <param name="file">Its time is read with whether it is there: asking for both is one look at the disk.</param>
    public static void Mark(FileInfo file)
    {
        if (!IsAging(file)) return;
        try
        {
            File.SetLastWriteTimeUtc(file.FullName, Now);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed meanwhile, or somebody else's: then it is as old as it looks.
        }
    }
}
