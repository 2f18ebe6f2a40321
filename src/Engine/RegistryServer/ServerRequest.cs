using System.Collections.Frozen;

namespace Kimg.Engine.RegistryServer;

/// <summary>A request as the server sees it. Header names compare without case; of repeated headers the values are joined by ", ".</summary>
internal sealed record ServerRequest
{
    public required string Method { get; init; }

    /// <summary>The path, percent-decoded, without query.</summary>
    public required string Path { get; init; }

    public required FrozenDictionary<string, string> Query { get; init; }

    public required FrozenDictionary<string, string> Headers { get; init; }

    /// <summary>Ends where the request's body ends.</summary>
    public required Stream Body { get; init; }

    /// <summary>Bytes of the body, null when it is sent in chunks.</summary>
    public required long? ContentLength { get; init; }

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public bool IsHead => Method == "HEAD";
}
