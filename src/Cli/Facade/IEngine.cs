using Kimg.Engine.Build;

namespace Kimg.Cli.Facade;

/// <summary>What the verbs ask of the engine; the seam at which their tests stand in.</summary>
internal interface IEngine
{
    Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken);
}
