using System.Collections.Immutable;
using System.Net;

namespace Kimg.Engine.Registry;

/// <summary>One request to a registry, as often as it has to be sent.</summary>
/// <param name="What">What it is about, for messages: <c>manifest 'r.example.com/app:1'</c>.</param>
internal sealed record RegistryRequest(HttpMethod Method, RegistryEndpoint Endpoint, string Repository, string What)
{
    /// <summary>Below the repository's address; not used when there is a <see cref="Location"/>.</summary>
    public string Resource { get; init; } = "";

    /// <summary>An absolute address the registry gave (an upload session, the next page).</summary>
    public Uri? Location { get; init; }

    /// <summary>Token scopes (distribution's "repository:NAME:ACTIONS").</summary>
    public ImmutableArray<string> Scopes { get; init; } = [];

    public string? Accept { get; init; }

    /// <summary>First byte wanted; 0 asks for everything.</summary>
    public long Offset { get; init; }

    /// <summary>Of a chunk: <c>start-end</c>.</summary>
    public string? ContentRange { get; init; }

    public RequestBody? Body { get; init; }

    /// <summary>Answers outside 2xx that the caller deals with.</summary>
    public ImmutableArray<HttpStatusCode> Expected { get; init; } = [];

    /// <summary>Null: as often as configured.</summary>
    public int? Attempts { get; init; }

    /// <summary>No credentials are looked up or sent.</summary>
    public bool Anonymous { get; init; }

    public Uri Address(RegistryEndpoint endpoint) => Location ?? endpoint.Resource(Repository, Resource);
}
