using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Cli.Facade;

/// <summary>What the verbs ask of the engine; the seam at which their tests stand in. Every failure is a <see cref="KimgException"/>.</summary>
internal interface IEngine : IAsyncDisposable
{
    Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken);

    /// <summary>Lints without building.</summary>
    Task<CheckResult> CheckAsync(BuildRequest request, CancellationToken cancellationToken);

    /// <summary>What the target takes from its caller.</summary>
    Task<DockerfileOutline> OutlineAsync(BuildRequest request, CancellationToken cancellationToken);

    /// <summary>The stages of the Dockerfile.</summary>
    Task<DockerfileTargets> ListTargetsAsync(BuildRequest request, CancellationToken cancellationToken);

    /// <summary>Copies between any two locations what <paramref name="platforms"/> select (empty: everything, attestations included). Returns what the
    /// destination now names.</summary>
    Task<Descriptor> CopyAsync(
        ImageLocation source,
        ImageLocation destination,
        ImmutableArray<Platform> platforms,
        IBuildObserver observer,
        CancellationToken cancellationToken);

    /// <param name="platform">Only this one; null: all there are.</param>
    Task<ImageReport> InspectAsync(ImageLocation location, Platform? platform, CancellationToken cancellationToken);

    /// <summary>What the location stands for, manifest or index; nothing of it is read.</summary>
    Task<Descriptor> ResolveAsync(ImageLocation location, CancellationToken cancellationToken);

    /// <summary>Gives what <paramref name="source"/> names in the store another name.</summary>
    Task TagAsync(ImageReference source, ImageReference name, CancellationToken cancellationToken);

    /// <summary>Makes an index of images that are built; returns its bytes.</summary>
    Task<ReadOnlyMemory<byte>> CreateIndexAsync(IndexRequest request, IBuildObserver observer, CancellationToken cancellationToken);

    Task<Descriptor> AnnotateIndexAsync(ImageLocation location, ImmutableArray<Annotation> annotations, IBuildObserver observer, CancellationToken cancellationToken);

    Task<CacheReport> ExportCacheAsync(CacheDestination destination, IBuildObserver observer, CancellationToken cancellationToken);

    Task<CacheReport> ImportCacheAsync(CacheLocation location, IBuildObserver observer, CancellationToken cancellationToken);

    Task<CacheReport> InspectCacheAsync(CacheLocation location, CancellationToken cancellationToken);

    /// <param name="filters">All of them must hold.</param>
    Task<ImmutableArray<UsageItem>> ListUsageAsync(ImmutableArray<UsageFilter> filters, CancellationToken cancellationToken);

    Task<PruneReport> PruneAsync(PruneRequest request, CancellationToken cancellationToken);

    Task<HostReport> ExamineHostAsync(CancellationToken cancellationToken);

    /// <summary>Tries the credential at the registry, then stores it where docker does. Returns where.</summary>
    Task<string> LoginAsync(string registry, string user, Secret password, CancellationToken cancellationToken);

    /// <summary>False when nothing was stored.</summary>
    Task<bool> LogoutAsync(string registry, CancellationToken cancellationToken);

    /// <returns>The registries.</returns>
    Task<ImmutableArray<string>> LogoutAllAsync(CancellationToken cancellationToken);

    /// <summary>Serves until canceled.</summary>
    /// <param name="listening">Called with the address once requests are answered.</param>
    Task ServeRegistryAsync(ServeRequest request, Action<string> listening, CancellationToken cancellationToken);
}
