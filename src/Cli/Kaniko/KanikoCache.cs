using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Kaniko;

/// <summary>Kaniko's layer cache in the words of kimg's.</summary>
/// <param name="Repository">--cache-repo: a repository, or <c>oci:DIRECTORY</c>, absolute; null: <c>cache</c> below the first name.</param>
/// <param name="Directory">--cache-dir: a directory that is kept between builds; absolute. null: none.</param>
internal sealed record KanikoCache(string? Repository, string? Directory)
{
    /// <summary>--cache-ttl: a cache that was written longer ago is not used.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromDays(14);

    /// <summary>The request with the caches these options ask for.</summary>
    /// <exception cref="KimgException">InvalidCacheOption: there is no place to keep it in.</exception>
    public BuildRequest ApplyTo(BuildRequest request)
    {
        foreach (CacheLocation location in Locations(request))
        {
            request = request with
            {
                CacheFrom = [.. request.CacheFrom, new CacheSource(location) { MaxAge = TimeToLive }],
                CacheTo = [.. request.CacheTo, new CacheDestination(location) { AllSteps = true }],
            };
        }

        return request;
    }

    private IEnumerable<CacheLocation> Locations(BuildRequest request)
    {
        // Kaniko keeps one tag per layer; here one tag holds what belongs together.
        string tag = "kimg-" + Digest.Sha256($"{request.Target}\n{string.Join(',', request.Platforms)}").Hex[..16];
        if (Directory is not null) yield return new LocalCache(Directory, tag);
        if (Repository is { } layout && layout.StartsWith("oci:", StringComparison.Ordinal)) yield return new LocalCache(layout[4..], tag);
        else if (Repository is { } given) yield return new RegistryCache(ImageReference.Parse(given) with { Tag = tag, Digest = null });
        else if (request.Names is [var name, ..]) yield return new RegistryCache(name with { Repository = name.Repository + "/cache", Tag = tag, Digest = null });
        else if (Directory is null)
            throw new KimgException(ErrorCode.InvalidCacheOption, "there is no repository for the cache: the image has no name") { Hint = "name one with --cache-repo" };
    }
}
