using System.Text.Json.Serialization;

namespace Kimg.Engine.RegistryServer;

internal sealed record MediaTypeOnly(string? MediaType);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MediaTypeOnly))]
internal sealed partial class RegistryServerJson : JsonSerializerContext;
