using System.Collections.Immutable;
using Kimg.Engine.Cache;

namespace Kimg.Engine.Build;

/// <summary>Location → store.</summary>
internal static class CacheStores
{
    public static ImmutableArray<(ICacheStore Store, CacheSource Source)> OpenAll(BuildServices services, BuildRequest request) =>
        request.NoCache ? [] : [.. request.CacheFrom.Select(source => (Open(services, request, source.Location), source))];

    public static ICacheStore Open(BuildServices services, BuildRequest request, CacheLocation location) => location switch
    {
        RegistryCache registry => new RegistryCacheStore(services.Registry, registry.Reference),
        LocalCache local => new LayoutCacheStore(services.Content, local),
        _ => throw new System.Diagnostics.UnreachableException(location.GetType().Name),
    };
}
