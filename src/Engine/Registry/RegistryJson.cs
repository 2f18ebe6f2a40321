using System.Text.Json.Serialization;

namespace Kimg.Engine.Registry;

/// <summary>A token service's answer (distribution's token specification; OAuth2 uses access_token).</summary>
internal sealed record TokenAnswer
{
    public string? Token { get; init; }

    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    /// <summary>Seconds; 60 when not given.</summary>
    [JsonPropertyName("expires_in")]
    public double? ExpiresIn { get; init; }
}

/// <summary>The body of a registry's error answer (distribution-spec, "Error Codes").</summary>
internal sealed record ErrorAnswer
{
    public ErrorEntry?[]? Errors { get; init; }
}

internal sealed record ErrorEntry
{
    public string? Code { get; init; }

    public string? Message { get; init; }

    public System.Text.Json.JsonElement? Detail { get; init; }
}

internal sealed record TagListAnswer
{
    public string[]? Tags { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(TagListAnswer))]
internal sealed partial class RegistryJson : JsonSerializerContext;
