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
        // Kaniko keeps one tag per layer; here one tag holds what belongs together. A place is often shared by the images of a team.
        string tag = "kimg-" + Digest.Sha256($"{Subject(request)}\n{request.Target}\n{string.Join(',', request.Platforms)}").Hex[..16];
        if (Directory is not null) yield return new LocalCache(Directory, tag);
        if (Repository is { } layout && layout.StartsWith("oci:", StringComparison.Ordinal)) yield return new LocalCache(layout[4..], tag);
        else if (Repository is { } given) yield return new RegistryCache(ImageReference.Parse(given) with { Tag = tag, Digest = null });
        // What is not pushed has no repository that a cache could be put beside.
        else if (request.Names is [var name, ..] && request.Outputs.Any(output => output.Push))
            yield return new RegistryCache(name with { Repository = name.Repository + "/cache", Tag = tag, Digest = null });
        else if (Directory is null)
            throw new KimgException(ErrorCode.InvalidCacheOption, "there is no repository for the cache: the image is not pushed") { Hint = "name one with --cache-repo" };
    }

    // The image; of one without a name its Dockerfile. The commit of a repository does not count: the next one is to find the cache.
    private static string Subject(BuildRequest request)
    {
        if (request.Names is [var name, ..]) return name.Name;
        string file = request.DockerfilePath ?? "Dockerfile";
        return request.Context switch
        {
            DirectoryContext directory => Path.GetFullPath(file, Path.Combine(directory.Path, request.ContextSubPath ?? "")),
            GitContext git => $"{git.Url.Split('?', '#')[0]}\n{request.ContextSubPath}\n{file}",
            HttpContext http => $"{http.Url.Split('?', '#')[0]}\n{request.ContextSubPath}\n{file}",
            _ => $"{request.ContextSubPath}\n{file}",
        };
    }
}
