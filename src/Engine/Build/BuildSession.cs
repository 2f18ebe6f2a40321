using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>One build: its contexts, its events, its solver. Disposed, it leaves nothing but what the cache keeps.</summary>
internal sealed class BuildSession : IAsyncDisposable
{
    private readonly BuildServices _services;
    private readonly BuildRequest _request;
    private readonly EventStream _events;
    private readonly CancellationToken _cancellationToken;
    private readonly ContextOpener _contexts;
    private readonly ImageResolver _resolver;
    private readonly SemaphoreSlim _slots;
    private readonly TemporaryDirectory _temporary;
    private readonly LayerChain _layers;
    private readonly SecretReader _secrets;
    private readonly AgentSources _agents;
    private readonly RemoteFiles _remote;
    private readonly ImportedCaches _imported;
    private readonly SnapshotCache _cache;
    private readonly TravellingMounts _mounts;
    private Solver<OpResult>? _solver;
    private readonly CancellationTokenSource _ending, _refused;
    private Task _expected = Task.CompletedTask;
    private OpenedContext _context = new(Directory: null);
    private readonly FileLock _building;

    public BuildSession(BuildServices services, BuildRequest request, EventStream events, CancellationToken cancellationToken)
    {
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _refused = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        (_services, _request, _events, _cancellationToken) = (services, request, events, _refused.Token);
        _building = FileLock.Acquire(services.State.BuildsLock, exclusive: false);
        new GarbageCollector(services.State.Root, services.Options.Time).RemoveAbandoned();
        if (Directory.Exists(services.State.Temporary)) TemporaryDirectory.Sweep(services.State.Temporary);
        _contexts = new ContextOpener(services.State, services.Options.Time);
        _resolver = new ImageResolver(services.Registry, services.Content, services.Names, request.Pull);
        _slots = new SemaphoreSlim(request.MaxParallelism > 0 ? request.MaxParallelism : Math.Max(4, 2 * Environment.ProcessorCount));
        _temporary = new TemporaryDirectory(services.State.Temporary);
        _layers = new LayerChain(services.Content, services.LayerBlobs, _cancellationToken);
        _secrets = new SecretReader(request.Secrets, services.Options.Environment);
        _agents = new AgentSources(request.Ssh, services.Options.Environment, _temporary.Path);
        _remote = new RemoteFiles(services, _secrets, _agents, _temporary);
        _imported = new ImportedCaches(services, CacheStores.OpenAll(services, request), [.. Platforms()], _resolver, events, _cancellationToken);
        _mounts = new TravellingMounts(services, _imported, events);
        _cache = new SnapshotCache(services.Records, services.LayerBlobs, services.Images, services.Worker, _imported);
    }

    /// <summary>Finds the Dockerfile and the main context's files.</summary>
    public Task<LoadedDockerfile> OpenContextAsync() =>
        _events.RunAsync("[internal] load build definition from " + Path.GetFileName(_request.DockerfilePath ?? "Dockerfile"), async _ =>
        {
            SpecialArguments.RefuseUnsupported(_request.BuildArgs);
            bool? keepGit = SpecialArguments.Flag(_request.BuildArgs, SpecialArguments.KeepGitDirectory);
            _context = await new ContextDirectory(_remote, _temporary) { KeepGitDirectory = keepGit }.OpenAsync(_request.Context, _cancellationToken);
            if (_request.ContextSubPath is { } below) _context = _context.At(below);
            LoadedDockerfile dockerfile = await DockerfileLoader.LoadAsync(_request, _context, _cancellationToken);
            string directory = _context.Directory ?? _temporary.MakeEmpty();
            ImmutableArray<string> ignored = _context.IsLocal ? IgnoreFile.FindPatterns(directory, dockerfile.HostPath) : [];
            _contexts.Add(ContextOpener.Main, directory, () => ignored.IsEmpty ? null : PatternMatcher.Create(ignored), _context.Headers);
            return dockerfile with { IgnorePatterns = ignored };
        });

    /// <summary>Looks for problems, for the first platform.</summary>
    public Task<CheckResult> CheckAsync(LoadedDockerfile dockerfile)
    {
        FrontendOptions options = OptionsOf(dockerfile, Platforms()[0], multiPlatform: false);
        return DockerfileFrontend.CheckAsync(PathText.Decode(dockerfile.Bytes), dockerfile.Name, options, Host(), _cancellationToken);
    }

    /// <summary>What the target takes from its caller, for the first platform.</summary>
    public Task<DockerfileOutline> OutlineAsync(LoadedDockerfile dockerfile)
    {
        FrontendOptions options = OptionsOf(dockerfile, Platforms()[0], multiPlatform: false);
        return DockerfileFrontend.OutlineAsync(PathText.Decode(dockerfile.Bytes), dockerfile.Name, options, Host(), _cancellationToken);
    }

    public async Task<ImmutableArray<FrontendResult>> LowerAsync(LoadedDockerfile dockerfile)
    {
        _imported.Begin();
        _expected = CheckExpectedAsync();
        FrontendHost host = Host();
        Platform[] platforms = Platforms();
        IEnumerable<Task<FrontendResult>> lowering = platforms.Select(platform => DockerfileFrontend.LowerAsync(
            dockerfile.Bytes, dockerfile.Name, OptionsOf(dockerfile, platform, FrontendMapping.IsMultiPlatform(_request, platforms.Length)), host, _cancellationToken));
        ImmutableArray<FrontendResult> results = [.. await Task.WhenAll(lowering)];
        foreach (LintWarning warning in results.SelectMany(r => r.Warnings).Distinct()) _events.Send(new VertexWarning(_events.Now, default, warning));
        return results;
    }

    public async Task<ImmutableArray<PlatformBuild>> SolveAsync(ImmutableArray<FrontendResult> lowered)
    {
        foreach (FrontendResult result in lowered) _events.Announce(result.Root);
        _imported.Use(lowered);
        Solver<OpResult> solver = new(OpFactory().Create, _cache, _events, _cancellationToken) { Solved = EarlyExport.Of(lowered, _request, _layers) };
        ImmutableArray<OpResult> roots = await solver.SolveAsync([.. lowered.Select(result => result.Root)]);
        _solver = solver;
        _contexts.SaveDigests();
        var built = ImmutableArray.CreateBuilder<PlatformBuild>();
        foreach ((FrontendResult frontend, OpResult root) in lowered.Zip(roots))
        {
            built.Add(new PlatformBuild(
                Platform.Normalize(frontend.Config.Os, frontend.Config.Architecture, frontend.Config.Variant),
                frontend,
                root as Snapshot ?? new Snapshot(await root.LayersAsync(_cancellationToken))));
        }

        return built.ToImmutable();
    }

    /// <summary>Prepares for solving again: whoever found the damage has removed it, and what was made of it is made again.</summary>
    public async Task ForgetAsync(KimgException damage)
    {
        await _layers.ForgetAsync();
        _events.Send(new VertexWarning(_events.Now, default, new LintWarning("CacheDamaged", "Part of the state directory was damaged", damage.Message, null)));
    }

    /// <summary>Why everything was cancelled, if it was not the caller.</summary>
    public KimgException? Refusal { get; private set; }

    public async Task<BuildResult> ExportAsync(ImmutableArray<PlatformBuild> built)
    {
        await _expected;
        _cancellationToken.ThrowIfCancellationRequested();
        return await new ImageExport(_services, _request, _layers, CacheExport(), _events, _cancellationToken).RunAsync(built);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAny(_expected);
        _ending.Dispose();
        _refused.Dispose();
        await _imported.DisposeAsync();
        await _layers.DisposeAsync();
        _contexts.Dispose();
        _remote.Dispose();
        _agents.Dispose();
        await _temporary.DisposeAsync();
        _slots.Dispose();
        _building.Dispose();
    }

    // What will not be exported need not be built.
    private async Task CheckExpectedAsync()
    {
        try
        {
            await ExpectedImages.CheckAsync(_request, _services.Registry, _ending.Token);
        }
        catch (KimgException refusal)
        {
            Refusal = refusal;
            await _refused.CancelAsync();
        }
    }

    private CacheExport CacheExport() => new(_services, _request, _layers, _cache, _solver!, _mounts, _events, _cancellationToken);

    private Platform[] Platforms() => _request.Platforms.IsEmpty ? [Platform.Host] : [.. _request.Platforms.Distinct()];

    private FrontendHost Host() => new(_resolver, _request.NamedContexts, _contexts, new ContextDirectory(_remote, _temporary), _remote, _events);

    private FrontendOptions OptionsOf(LoadedDockerfile dockerfile, Platform platform, bool multiPlatform) =>
        FrontendMapping.OptionsOf(_request, platform, multiPlatform, dockerfile.IgnorePatterns) with { ContextOrigin = _context.Origin };

    private OpFactory OpFactory()
    {
        var environment = new StepEnvironment
        {
            Worker = _services.Worker,
            StateDirectory = _services.State.Root,
            Time = _services.Options.Time,
            Secret = _secrets.ReadAsync,
            Agent = _agents.Forward,
            ResolvConf = NetworkFiles.ResolvConf(File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : null, sharesNetwork: true),
            Network = _request.Network,
            RestoreMount = _mounts.RestoreAsync,
            Emulator = new Emulators(_services.Options.Emulators).Find,
            Slots = _slots,
        };
        var directories = new Directories(_services.Worker);
        var unpacker = new ArchiveUnpacker(_temporary.Path);
        return new OpFactory(_resolver, _services.Images, _services.Content, _contexts, _remote, environment, directories, unpacker, _events);
    }
}
