using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Request → what lowering takes.</summary>
internal static class FrontendMapping
{
    public static FrontendOptions OptionsOf(BuildRequest request, Platform platform, bool multiPlatform, ImmutableArray<string> ignorePatterns) => new()
    {
        Platform = platform,
        BuildPlatform = Platform.Host,
        PlatformIsImplicit = request.Platforms.IsEmpty,
        IgnorePatterns = ignorePatterns,
        MultiPlatform = multiPlatform,
        BuildArgs = request.BuildArgs,
        Target = request.Target,
        Labels = request.Labels,
        NoCache = request.NoCache,
        NoCacheFilter = request.NoCacheFilter,
        Network = request.Network,
        Entitlements = request.Entitlements,
        ExtraHosts = request.ExtraHosts,
        Ulimits = request.Ulimits,
        ShmSize = request.ShmSize,
        SourceDateEpoch = request.SourceDateEpoch,
        Context = new Vertex(new LocalSourceOp(ContextOpener.Main), [], new VertexMeta("[internal] load build context")),
    };
}
