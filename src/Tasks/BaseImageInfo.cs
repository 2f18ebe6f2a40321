using System.Collections.Immutable;
using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>What is known of a base image from its manifest and configuration; none of its layers has been looked at.</summary>
internal sealed record BaseImageInfo
{
    /// <summary>Of what the name stands for: index or manifest.</summary>
    public string Digest { get; init; } = "";

    /// <summary>The name stands for an index, whose other platforms the build finds.</summary>
    public bool IsIndex { get; init; }

    /// <summary>Of the manifest of the platform that was asked for.</summary>
    public string PlatformDigest { get; init; } = "";

    /// <summary>Manifests are in Docker's format, not in OCI's.</summary>
    public bool IsDocker { get; init; }

    public ImmutableArray<string> Entrypoint { get; init; } = [];

    public ImmutableDictionary<string, string> Environment { get; init; } = ImmutableDictionary<string, string>.Empty;

    public string User { get; init; } = "";

    public static BaseImageInfo Scratch { get; } = new();

    /// <param name="json">What <c>kimg inspect --json --platform …</c> prints.</param>
    public static BaseImageInfo Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement, image = root.GetProperty("images")[0];
        JsonElement config = image.GetProperty("config").TryGetProperty("config", out JsonElement found) ? found : default;
        return new BaseImageInfo
        {
            Digest = (root.TryGetProperty("index", out JsonElement index) ? index : root.GetProperty("digest")).GetString()!,
            IsIndex = index.ValueKind == JsonValueKind.String,
            PlatformDigest = image.GetProperty("digest").GetString()!,
            IsDocker = root.GetProperty("mediaType").GetString()!.StartsWith("application/vnd.docker.", StringComparison.Ordinal),
            Entrypoint = Strings(config, "Entrypoint"),
            Environment = Variables(config),
            User = config.ValueKind == JsonValueKind.Object && config.TryGetProperty(nameof(User), out JsonElement user) ? user.GetString() ?? "" : "",
        };
    }

    // A later one of a name wins.
    private static ImmutableDictionary<string, string> Variables(JsonElement config)
    {
        var variables = ImmutableDictionary.CreateBuilder<string, string>();
        foreach (string variable in Strings(config, "Env"))
        {
            if (variable.Split('=', 2) is [var name, var value]) variables[name] = value;
        }

        return variables.ToImmutable();
    }

    private static ImmutableArray<string> Strings(JsonElement config, string name) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)]
            : [];
}
