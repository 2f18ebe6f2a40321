using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Location → store.</summary>
internal static class CacheStores
{
    public static ImmutableArray<(ICacheStore Store, CacheSource Source)> OpenAll(BuildServices services, BuildRequest request) =>
    [
        .. (request.NoCache ? [] : request.CacheFrom).Select(source => (Open(services, request, source.Location), source)),
        .. (request.NoCache ? [] : Imported(services)).Select(store => (store, new CacheSource(new InlineCache()))),
    ];

    private static IEnumerable<ICacheStore> Imported(BuildServices services) =>
        services.Imported.List().Select(entry => services.Imported.Use(entry.Key)).OfType<NamedImage>().Select(image => new StoredCache(services.Content, image));

    public static ICacheStore Open(BuildServices services, BuildRequest request, CacheLocation location) => Open(services, ScopeOf(request), location);

    /// <param name="scope">The name of a cache that was given none.</param>
    public static ICacheStore Open(BuildServices services, string scope, CacheLocation location)
    {
        switch (location)
        {
            case RegistryCache registry:
                return new RegistryCacheStore(services.Registry, registry.Reference);
            case LocalCache local:
                return new LayoutCacheStore(services.Content, local);
            case GitHubCache github:
                return new GitHubCacheStore(github, services.CacheHttp, scope);
            case S3Cache s3:
                var objects = new S3Objects(s3, services.CacheHttp, new AwsCredentialChain(s3, Identity(services)));
                return new ObjectCacheStore(objects, s3.BlobsPrefix, s3.ManifestsPrefix, Names(s3.Names, scope), s3.Parallel);
            case AzureBlobCache azure:
                var blobs = new AzureObjects(azure, services.CacheHttp, new AzureAuthorization(azure, services.CacheHttp, Identity(services)));
                return new ObjectCacheStore(blobs, azure.BlobsPrefix + "/", azure.ManifestsPrefix + "/", Names(azure.Names, scope), azure.Parallel);
            case UnavailableCache unavailable:
                return new UnavailableCacheStore(unavailable);
            default:
                throw new KimgException(ErrorCode.InvalidCacheOption, $"'{location}' is no cache that can be read or written by itself");
        }
    }

    /// <summary>Image, target and platforms: two images of one repository do not overwrite each other's cache.</summary>
    public static string ScopeOf(BuildRequest request)
    {
        string image = ImageOf(request);
        IEnumerable<Platform> platforms = request.Platforms.IsEmpty ? [Platform.Host] : request.Platforms;
        string text = string.Join('_', [image, request.Target ?? "default", .. platforms.Select(p => p.ToString()).Order(StringComparer.Ordinal)]);
        var safe = new StringBuilder(text.Length);
        foreach (char c in text) safe.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-');
        // team/app and team-app read the same by now.
        return safe.Append('_').Append(Digest.Sha256(text).Hex.AsSpan(0, 8)).ToString();
    }

    private static string ImageOf(BuildRequest request) =>
        request.Names.Concat(request.Outputs.SelectMany(output => output.Names).Select(ImageReference.Parse)).FirstOrDefault()?.Name ?? "image";

    /// <summary>What helps who looks for a cache without a build, by whose name it would be found; null: the place is a name already.</summary>
    public static string? NameHint(CacheLocation location) => location switch
    {
        GitHubCache { Scope: null } => "name it with scope=…: without one a build writes to a name made of image, target and platforms, which its line 'exporting cache to' shows",
        S3Cache { Names.IsEmpty: true } or AzureBlobCache { Names.IsEmpty: true } =>
            "name it with name=…: without one a build writes to a name made of image, target and platforms, which its line 'exporting cache to' shows",
        _ => null,
    };

    private static CredentialOptions Identity(BuildServices services) =>
        services.Options.Credentials ?? new CredentialOptions { Environment = FrozenDictionary<string, string>.Empty, Time = services.Options.Time };

    private static ImmutableArray<string> Names(ImmutableArray<string> given, string scope) => given.IsEmpty ? [scope] : given;
}
