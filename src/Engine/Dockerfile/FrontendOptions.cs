using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What lowering needs besides the Dockerfile's text.</summary>
public sealed record FrontendOptions
{
    /// <summary>Target platform of this lowering (one image).</summary>
    public required Platform Platform { get; init; }

    public Platform BuildPlatform { get; init; } = Platform.Host;

    /// <summary>True when the user named no platform: the image's platform is then that of its base.</summary>
    public bool PlatformIsImplicit { get; init; }

    /// <summary>True when several platforms are built: names in progress carry the platform.</summary>
    public bool MultiPlatform { get; init; }

    /// <summary>--build-arg, in any order; includes BUILDKIT_* and SOURCE_DATE_EPOCH.</summary>
    public ImmutableSortedDictionary<string, string> BuildArgs { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Stage name or number; null: the last.</summary>
    public string? Target { get; init; }

    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public bool NoCache { get; init; }

    public ImmutableArray<string> NoCacheFilter { get; init; } = [];

    public NetworkMode Network { get; init; } = NetworkMode.Default;

    /// <summary>--allow: network.host, security.insecure.</summary>
    public ImmutableArray<string> Entitlements { get; init; } = [];

    public ImmutableArray<ExtraHost> ExtraHosts { get; init; } = [];

    public ImmutableArray<Ulimit> Ulimits { get; init; } = [];

    public long? ShmSize { get; init; }

    public string? Hostname { get; init; }

    /// <summary>Seconds since 1970; null: none. (The build argument SOURCE_DATE_EPOCH arrives here too.)</summary>
    public long? SourceDateEpoch { get; init; }

    /// <summary>The context's ignore patterns, for the lint rule CopyIgnoredFile; null: not known.</summary>
    public ImmutableArray<string>? IgnorePatterns { get; init; }

    /// <summary>Where the main context is: a vertex whose result is its root. Null when there is none (Dockerfile on stdin).</summary>
    public required Vertex Context { get; init; }

    /// <summary>The git or http source the main context was made from; null: it is local.</summary>
    public Vertex? ContextOrigin { get; init; }
}

/// <summary>What lowering asks of its surroundings.</summary>
public interface IFrontendHost
{
    /// <summary>Digest of the platform's manifest, and the configuration, of a base image.</summary>
    /// <exception cref="KimgException">ImageNotFound, PlatformNotFound, RegistryUnreachable, …</exception>
    Task<ResolvedImage> ResolveImageAsync(ImageReference reference, Platform platform, CancellationToken cancellationToken);

    /// <summary>The named context (--build-context) of this name, or null. Names compare as stage names and as normalised image references do.</summary>
    Task<NamedContext?> FindNamedContextAsync(string name, Platform platform, CancellationToken cancellationToken);

    /// <summary>The time of a git or http source, for SOURCE_DATE_EPOCH=context or =stage, in seconds since 1970: of the commit; Last-Modified, else the
    /// newest file of the archive. Null when it has none.</summary>
    Task<long?> FindSourceTimeAsync(Vertex source, CancellationToken cancellationToken) =>
        throw new KimgException(ErrorCode.UnsupportedFeature, "SOURCE_DATE_EPOCH cannot be taken from a source here")
        {
            Hint = "give SOURCE_DATE_EPOCH as a number of seconds",
        };
}

/// <param name="Digest">Of the platform's manifest.</param>
public sealed record ResolvedImage(ImageReference Reference, Digest Digest, ImageConfig Config);

/// <summary>A named context: the vertex of its root and, when it is an image, its configuration.</summary>
public sealed record NamedContext(Vertex Root, ImageConfig? Config);
