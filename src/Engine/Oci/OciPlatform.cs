using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Oci;

/// <summary>The platform object of a descriptor in an index (image-spec image-index.md).</summary>
public sealed record OciPlatform
{
    public required string Architecture { get; init; }

    public required string Os { get; init; }

    [JsonPropertyName("os.version")]
    public string? OsVersion { get; init; }

    [JsonPropertyName("os.features")]
    public ImmutableArray<string>? OsFeatures { get; init; }

    public string? Variant { get; init; }

    public static OciPlatform From(Platform platform) => new()
    {
        Architecture = platform.Architecture, Os = platform.Os, Variant = platform.Variant, OsVersion = platform.OsVersion,
    };

    public Platform ToPlatform() => Platform.Normalize(Os, Architecture, Variant) with { OsVersion = OsVersion };
}
