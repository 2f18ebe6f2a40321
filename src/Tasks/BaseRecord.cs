using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>What was found out about the base image, kept in obj: as long as the name stands for the same digest, only that is asked. The first line says of
/// what, the rest is what <c>kimg inspect --json</c> printed.</summary>
internal sealed class BaseRecord(string directory, string baseImage, string platform)
{
    private readonly string _file = Path.Combine(directory, "base.json");

    private string Key => $"{platform} {baseImage}";

    /// <summary>Null when there is none for this base and platform, or it cannot be read.</summary>
    public BaseImageInfo? TryRead()
    {
        if (!File.Exists(_file)) return null;
        try
        {
            return File.ReadAllText(_file).Split('\n', 2) is [var key, var json] && key == Key ? BaseImageInfo.Read(json) : null;
        }
        // Whatever a damaged file makes of the document.
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException
            or IndexOutOfRangeException or NullReferenceException)
        {
            return null;
        }
    }

    public BaseImageInfo Write(string json)
    {
        string temporary = _file + ".new";
        File.WriteAllText(temporary, $"{Key}\n{json}");
        File.Move(temporary, _file, overwrite: true);
        return BaseImageInfo.Read(json);
    }
}
