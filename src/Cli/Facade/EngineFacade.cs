using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Facade;

/// <summary>The engine of this binary.</summary>
internal sealed class EngineFacade(EngineOptions options) : IEngine
{
    public Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken) =>
        throw new KimgException(ErrorCode.UnsupportedFeature, $"this binary does not build yet (state directory '{options.StateDirectory}')");
}
