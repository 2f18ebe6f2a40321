using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>What a registry is shown. With an <paramref name="IdentityToken"/> (an OAuth2 refresh token, from <c>docker login</c>) the
/// password is not used.</summary>
public sealed record Credential(string Username, Secret Password, Secret? IdentityToken = null)
{
    /// <summary>Where it was found, for messages: <c>/home/me/.docker/config.json</c>, <c>credential helper ecr-login</c>.</summary>
    public string? Source { get; init; }
}
