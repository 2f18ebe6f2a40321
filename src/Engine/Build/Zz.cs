using System.Collections.Immutable;
using Kimg.Engine.Ops;
namespace Kimg.Engine.Build;
internal static class WorkerFactory { public static IWorker Create(BuilderOptions o, StateLayout s) => null!; }
internal sealed class ImageExport(BuildServices s, BuildRequest r, EventStream e, CancellationToken c) { public Task<BuildResult> RunAsync(ImmutableArray<PlatformBuild> b) => Task.FromResult(new BuildResult()); object X => (s, r, e, c); }
