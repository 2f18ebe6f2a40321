using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Facade;

/// <summary>The engine of this binary.</summary>
internal sealed class EngineFacade(BuilderOptions options) : IEngine
{
    private readonly ImageBuilder _builder = ImageBuilder.Create(options);

    public Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken) =>
        _builder.BuildAsync(request, observer, cancellationToken);

    public Task<CheckReport> CheckAsync(BuildRequest request, CancellationToken cancellationToken) => throw Missing("check");

    public Task<Descriptor> CopyAsync(
        ImageLocation source,
        ImageLocation destination,
        ImmutableArray<Platform> platforms,
        IBuildObserver observer,
        CancellationToken cancellationToken) => throw Missing("copy");

    public Task<ImageReport> InspectAsync(ImageLocation location, Platform? platform, CancellationToken cancellationToken) => throw Missing("inspect");

    public Task TagAsync(ImageReference source, ImageReference name, CancellationToken cancellationToken) => throw Missing("tag");

    public Task<ImmutableArray<UsageItem>> ListUsageAsync(CancellationToken cancellationToken) => throw Missing("du");

    public Task<PruneReport> PruneAsync(PruneRequest request, CancellationToken cancellationToken) => throw Missing("prune");

    public Task<HostReport> ExamineHostAsync(CancellationToken cancellationToken) => throw Missing("doctor");

    public Task<string> LoginAsync(string registry, string user, Secret password, CancellationToken cancellationToken) => throw Missing("login");

    public Task<bool> LogoutAsync(string registry, CancellationToken cancellationToken) => throw Missing("logout");

    public Task ServeRegistryAsync(ServeRequest request, Action<string> listening, CancellationToken cancellationToken) => throw Missing("registry serve");

    public ValueTask DisposeAsync() => _builder.DisposeAsync();

    private static KimgException Missing(string what) => new(ErrorCode.UnsupportedFeature, $"'kimg {what}' is not in this binary");
}
