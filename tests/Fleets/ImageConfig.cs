using System.Globalization;
using System.Text.Json;

namespace Kimg.Fleets;

/// <summary>What an image says of the containers that are made of it.</summary>
internal sealed record ImageConfig(JsonElement Config)
{
    public int Uid => Number(0);

    public int Gid => Number(1);

    public string WorkingDirectory => Config.GetProperty("WorkingDir").GetString()!;

    public IEnumerable<string> Variables => Words(Config, "Env");

    /// <summary>Of an image of the release.</summary>
    public static async Task<ImageConfig> OfAsync(string image)
    {
        string layout = Path.Combine(await ReleaseImage.DirectoryAsync(), image);
        string digest = ReleaseImage.Manifest(layout).GetProperty("config").GetProperty("digest").GetString()!;
        return new ImageConfig(ReleaseImage.Read(ReleaseImage.Blob(layout, digest)).GetProperty("config"));
    }

    /// <summary>As Kubernetes: command stands for ENTRYPOINT and, when it is given, for CMD too; args for CMD.</summary>
    public string[] Arguments(JsonElement container)
    {
        bool command = container.TryGetProperty("command", out _), args = container.TryGetProperty("args", out _);
        return
        [
            .. command ? Words(container, "command") : Words(Config, "Entrypoint"),
            .. args ? Words(container, "args") : command ? [] : Words(Config, "Cmd"),
        ];
    }

    private int Number(int index) => int.Parse(Config.GetProperty("User").GetString()!.Split(':')[index], CultureInfo.InvariantCulture);

    private static IEnumerable<string> Words(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement words) ? words.EnumerateArray().Select(w => w.GetString()!) : [];
}
