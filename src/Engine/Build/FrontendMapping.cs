using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Request → what lowering takes.</summary>
internal static class FrontendMapping
{
    /// <summary>Whether the result is an index: several platforms, or BUILDKIT_MULTI_PLATFORM.</summary>
    /// <param name="platforms">How many are built.</param>
    /// <exception cref="KimgException">InvalidArgument: several platforms, and BUILDKIT_MULTI_PLATFORM=false.</exception>
    public static bool IsMultiPlatform(BuildRequest request, int platforms)
    {
        bool several = platforms > 1;
        if (SpecialArguments.Flag(request.BuildArgs, SpecialArguments.MultiPlatform) is not { } wanted) return several;
        if (several && !wanted)
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"{SpecialArguments.MultiPlatform} is false, and {platforms} platforms are to be built")
            {
                Hint = "build one platform, or leave the build argument out",
            };
        }

        return wanted;
    }

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
