using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>A request to a service that keeps caches, made anew for each attempt, because signatures hold a time.</summary>
/// <param name="What">For messages.</param>
internal sealed record CacheRequest(HttpMethod Method, Uri Uri, string What)
{
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public RequestBody? Body { get; init; }

    /// <summary>Answers that are no failures although they are not 2xx.</summary>
    public int[] Expected { get; init; } = [];

    /// <summary>Adds what proves who asks.</summary>
    public Func<HttpRequestMessage, CancellationToken, Task>? Authorize { get; init; }

    /// <summary>How often it is tried; null: as often as requests to registries.</summary>
    public int? Attempts { get; init; }

    /// <summary>How long an answer may take; null: as long as that of a registry.</summary>
    public TimeSpan? Patience { get; init; }
}
