using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Ops;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>What all builds of one process share, composed once.</summary>
internal sealed record BuildServices : IAsyncDisposable
{
    public required BuilderOptions Options { get; init; }

    public required StateLayout State { get; init; }

    public required ContentStore Content { get; init; }

    public required RegistryClient Registry { get; init; }

    public required IWorker Worker { get; init; }

    public required ImageNames Names { get; init; }

    public required ImageLayers Images { get; init; }

    public required RecordStore<CacheRecord> Records { get; init; }

    public required RecordStore<LayerBlobs> LayerBlobs { get; init; }

    /// <summary>Caches that every build looks into.</summary>
    public required RecordStore<NamedImage> Imported { get; init; }

    /// <summary>For caches that are neither in registries nor here.</summary>
    public required CacheHttp CacheHttp { get; init; }

    public static BuildServices Create(BuilderOptions options)
    {
        var state = new StateLayout(options.StateDirectory);
        var content = new ContentStore(state.Root, new ContentStoreOptions { Time = options.Time });
        var registry = RegistryOf(options);
        return new BuildServices
        {
            Options = options,
            State = state,
            Content = content,
            Registry = registry,
            Worker = WorkerFactory.Create(options, state),
            Names = new ImageNames(state.Images, state.Ingest),
            Images = new ImageLayers(new LayerStorage(content, state.Root), registry),
            Records = new RecordStore<CacheRecord>(state.Records, state.Ingest, () => CacheJson.Default.CacheRecord),
            LayerBlobs = new RecordStore<LayerBlobs>(state.Layers, state.Ingest, () => CacheJson.Default.LayerBlobs),
            Imported = new RecordStore<NamedImage>(state.Imported, state.Ingest, () => ImageNamesJson.Default.NamedImage),
            CacheHttp = new CacheHttp(options.Registry),
        };
    }

    public static RegistryClient RegistryOf(BuilderOptions options) => new(options.Credentials is { } credentials && options.Registry.Credentials is null
        ? options.Registry with { Credentials = CredentialChain.Create(credentials) }
        : options.Registry);

    public BuildSession Begin(BuildRequest request, IBuildObserver? observer, CancellationToken cancellationToken) =>
        new(this, request, new EventStream(observer, Options.Time), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        Registry.Dispose();
        CacheHttp.Dispose();
        Content.Dispose();
    }
}
