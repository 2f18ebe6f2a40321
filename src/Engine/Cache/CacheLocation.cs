using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Where a build cache is kept between machines. Names left out are chosen from what is built.</summary>
public abstract record CacheLocation;

/// <summary>An artifact in a registry; for import also an image with an inline cache.</summary>
public sealed record RegistryCache(ImageReference Reference) : CacheLocation
{
    public override string ToString() => Reference.Familiar;
}

/// <summary>An OCI layout directory.</summary>
/// <param name="Directory">Absolute.</param>
/// <param name="Digest">For import: this very cache, whatever the tag says.</param>
public sealed record LocalCache(string Directory, string Tag = "latest", Digest? Digest = null) : CacheLocation
{
    /// <summary>For export: remove what the layout's index no longer leads to.</summary>
    public bool Reset { get; init; }

    public override string ToString() => Directory;
}

/// <summary>Inside the image that is built; only exported. It is imported as a <see cref="RegistryCache"/>.</summary>
public sealed record InlineCache : CacheLocation
{
    public override string ToString() => "inline";
}

/// <summary>GitHub's cache service, version 2.</summary>
/// <param name="Url">ACTIONS_RESULTS_URL of the job.</param>
/// <param name="Token">ACTIONS_RUNTIME_TOKEN of the job.</param>
public sealed record GitHubCache(Uri Url, Secret Token) : CacheLocation
{
    /// <summary>null: image, target and platforms.</summary>
    public string? Scope { get; init; }

    /// <summary>For an import, and for an export.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    public override string ToString() => $"gha:{Scope}";
}

/// <summary>A place that this machine is not given: nothing is there, and whoever needs something there is told why.</summary>
/// <param name="Name">For messages.</param>
public sealed record UnavailableCache(string Name, KimgException Reason) : CacheLocation
{
    public override string ToString() => Name;
}

/// <summary>An S3 bucket, or what speaks its language.</summary>
public sealed record S3Cache(string Region, string Bucket) : CacheLocation
{
    /// <summary>null: Amazon's.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The bucket is in the path, not in the host's name.</summary>
    public bool UsePathStyle { get; init; }

    /// <summary>Before every key.</summary>
    public string Prefix { get; init; } = "";

    public string BlobsPrefix { get; init; } = "blobs/";

    public string ManifestsPrefix { get; init; } = "manifests/";

    /// <summary>Names of the cache: all are written, the first is read. Empty: image, target and platforms.</summary>
    public ImmutableArray<string> Names { get; init; } = [];

    /// <summary>null: found as AWS's tools find it.</summary>
    public string? AccessKeyId { get; init; }

    public Secret? SecretAccessKey { get; init; }

    public Secret? SessionToken { get; init; }

    /// <summary>Objects that are used again are made new after this time, so that rules which delete old ones keep them.</summary>
    public TimeSpan TouchRefresh { get; init; } = TimeSpan.FromHours(24);

    public int Parallel { get; init; } = 4;

    /// <summary>How often a request is tried.</summary>
    public int Attempts { get; init; } = 3;

    public override string ToString() => $"s3://{Bucket}/{Prefix}";
}

/// <summary>A container of Azure's blob storage.</summary>
/// <param name="AccountUrl">With a shared access signature as its query, if that is what one has.</param>
public sealed record AzureBlobCache(Uri AccountUrl) : CacheLocation
{
    /// <summary>Whose shared key it is; null: as the address says it.</summary>
    public string? AccountName { get; init; }

    public string Container { get; init; } = "buildkit-cache";

    /// <summary>The folder of everything. Unlike S3's prefixes these are folders: a slash at their ends changes nothing.</summary>
    public string Prefix { get; init; } = "";

    public string BlobsPrefix { get; init; } = "blobs";

    public string ManifestsPrefix { get; init; } = "manifests";

    /// <summary>As <see cref="S3Cache.Names"/>.</summary>
    public ImmutableArray<string> Names { get; init; } = [];

    /// <summary>The account's key; null: the environment's, or an identity.</summary>
    public Secret? SecretAccessKey { get; init; }

    public int Parallel { get; init; } = 4;

    public override string ToString() => $"{AccountUrl.GetLeftPart(UriPartial.Path)}{Container}/{Prefix}";
}
