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
        string[] parts = File.ReadAllText(_file).Split('\n', 2);
        if (parts.Length < 2 || parts[0] != Key) return null;
        try
        {
            return BaseImageInfo.Read(parts[1]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
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
