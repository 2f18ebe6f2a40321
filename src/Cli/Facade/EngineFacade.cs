using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Cli.Facade;

/// <summary>The engine of this binary. Nothing is opened before a verb needs it.</summary>
internal sealed class EngineFacade(BuilderOptions options) : IEngine
{
    private readonly Lazy<ImageBuilder> _builder = new(() => ImageBuilder.Create(options));
    private readonly Lazy<ImageCommands> _images = new(() => ImageCommands.Create(options));
    private readonly Lazy<CacheCommands> _caches = new(() => CacheCommands.Create(options));
    private readonly Lazy<StateMaintenance> _state = new(() => StateMaintenance.Create(options));

    public Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken) =>
        _builder.Value.BuildAsync(request, observer, cancellationToken);

    public Task<CheckResult> CheckAsync(BuildRequest request, CancellationToken cancellationToken) => _builder.Value.CheckAsync(request, cancellationToken);

    public Task<DockerfileOutline> OutlineAsync(BuildRequest request, CancellationToken cancellationToken) =>
        _builder.Value.OutlineAsync(request, cancellationToken);

    public Task<DockerfileTargets> ListTargetsAsync(BuildRequest request, CancellationToken cancellationToken) =>
        _builder.Value.ListTargetsAsync(request, cancellationToken);

    public Task<Descriptor> CopyAsync(
        ImageLocation source,
        ImageLocation destination,
        ImmutableArray<Platform> platforms,
        IBuildObserver observer,
        CancellationToken cancellationToken) => _images.Value.CopyAsync(source, destination, platforms, observer, cancellationToken);

    public Task<ImageReport> InspectAsync(ImageLocation location, Platform? platform, CancellationToken cancellationToken) =>
        _images.Value.InspectAsync(location, platform, cancellationToken);

    public Task<Descriptor> ResolveAsync(ImageLocation location, CancellationToken cancellationToken) => _images.Value.ResolveAsync(location, cancellationToken);

    public Task TagAsync(ImageReference source, ImageReference name, CancellationToken cancellationToken) => _images.Value.TagAsync(source, name, cancellationToken);

    public Task<ReadOnlyMemory<byte>> CreateIndexAsync(IndexRequest request, IBuildObserver observer, CancellationToken cancellationToken) =>
        _images.Value.CreateIndexAsync(request, observer, cancellationToken);

    public Task<Descriptor> AnnotateIndexAsync(
        ImageLocation location, ImmutableArray<Annotation> annotations, IBuildObserver observer, CancellationToken cancellationToken) =>
        _images.Value.AnnotateIndexAsync(location, annotations, observer, cancellationToken);

    public Task<CacheReport> ExportCacheAsync(CacheDestination destination, IBuildObserver observer, CancellationToken cancellationToken) =>
        _caches.Value.ExportAsync(destination, observer, cancellationToken);

    public Task<CacheReport> ImportCacheAsync(CacheLocation location, IBuildObserver observer, CancellationToken cancellationToken) =>
        _caches.Value.ImportAsync(location, observer, cancellationToken);

    public Task<CacheReport> InspectCacheAsync(CacheLocation location, CancellationToken cancellationToken) => _caches.Value.InspectAsync(location, cancellationToken);

    public Task<ImmutableArray<UsageItem>> ListUsageAsync(ImmutableArray<UsageFilter> filters, CancellationToken cancellationToken) =>
        _state.Value.ListUsageAsync(filters, cancellationToken);

    public Task<PruneReport> PruneAsync(PruneRequest request, CancellationToken cancellationToken) => _state.Value.PruneAsync(request, cancellationToken);

    public Task<HostReport> ExamineHostAsync(CancellationToken cancellationToken) => HostExamination.ExamineAsync(options, cancellationToken);

    public Task<string> LoginAsync(string registry, string user, Secret password, CancellationToken cancellationToken) =>
        Logins.LoginAsync(options, registry, user, password, cancellationToken);

    public Task<bool> LogoutAsync(string registry, CancellationToken cancellationToken) => Logins.LogoutAsync(options, registry, cancellationToken);

    public Task<ImmutableArray<string>> LogoutAllAsync(CancellationToken cancellationToken) => Logins.LogoutAllAsync(options, cancellationToken);

    public Task ServeRegistryAsync(ServeRequest request, Action<string> listening, CancellationToken cancellationToken) =>
        RegistryService.ServeAsync(options, request, listening, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_builder.IsValueCreated) await _builder.Value.DisposeAsync();
        if (_images.IsValueCreated) await _images.Value.DisposeAsync();
        if (_caches.IsValueCreated) await _caches.Value.DisposeAsync();
        if (_state.IsValueCreated) await _state.Value.DisposeAsync();
    }
}
