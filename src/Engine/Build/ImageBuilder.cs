using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Builds images: the newcomer's entrance to the engine. Each line of <see cref="BuildAsync"/> is a stage of docs/architecture.md's data flow.</summary>
public sealed class ImageBuilder : IAsyncDisposable
{
    // Found one at a time; with more the whole store is suspect.
    private const int MaxDamage = 20;

    private readonly BuildServices _services;

    private ImageBuilder(BuildServices services) => _services = services;

    public static ImageBuilder Create(BuilderOptions options) => new(BuildServices.Create(options));

    /// <exception cref="KimgException">Whatever the request, the Dockerfile, a step, a registry or this machine made fail.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left running.</exception>
    public async Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        OutputRules.Check(request);
        BuildResult result = await RunAsync(request, observer, cancellationToken);
        // The build is over: nothing of it is in the way any more.
        await AutomaticCollection.RunAsync(_services, new EventStream(observer, _services.Options.Time), cancellationToken);
        return result;
    }

    private async Task<BuildResult> RunAsync(BuildRequest request, IBuildObserver? observer, CancellationToken cancellationToken)
    {
        await using BuildSession session = _services.Begin(request, observer, cancellationToken);
        LoadedDockerfile dockerfile = await session.OpenContextAsync();
        ImmutableArray<FrontendResult> lowered = await session.LowerAsync(dockerfile);
        for (int found = 0; ; found++)
        {
            try
            {
                return await session.ExportAsync(await session.SolveAsync(lowered));
            }
            catch (KimgException damage) when (damage.Code == ErrorCode.StoreCorrupt && found < MaxDamage)
            {
                await session.ForgetAsync(damage);
            }
            catch (OperationCanceledException) when (session.Refusal is not null && !cancellationToken.IsCancellationRequested)
            {
                throw session.Refusal;
            }
        }
    }

    /// <summary>Looks for problems in the Dockerfile without building. A Dockerfile that would not build is a result, not an exception.</summary>
    /// <exception cref="KimgException">There is no Dockerfile or no context.</exception>
    public async Task<CheckResult> CheckAsync(BuildRequest request, CancellationToken cancellationToken = default)
    {
        await using BuildSession session = _services.Begin(request, null, cancellationToken);
        return await session.CheckAsync(await session.OpenContextAsync());
    }

    /// <summary>What the target takes from its caller: build arguments, secrets, ssh agents.</summary>
    /// <exception cref="KimgException">There is no Dockerfile or no context, or the Dockerfile would not build.</exception>
    public async Task<DockerfileOutline> OutlineAsync(BuildRequest request, CancellationToken cancellationToken = default)
    {
        await using BuildSession session = _services.Begin(request, null, cancellationToken);
        return await session.OutlineAsync(await session.OpenContextAsync());
    }

    /// <summary>The stages of the Dockerfile.</summary>
    /// <exception cref="KimgException">There is no Dockerfile or no context, or the Dockerfile does not parse.</exception>
    public async Task<DockerfileTargets> ListTargetsAsync(BuildRequest request, CancellationToken cancellationToken = default)
    {
        await using BuildSession session = _services.Begin(request, null, cancellationToken);
        LoadedDockerfile dockerfile = await session.OpenContextAsync();
        return DockerfileTargets.Parse(PathText.Decode(dockerfile.Bytes), dockerfile.Name);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
