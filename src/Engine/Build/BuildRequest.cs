using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Everything one build is asked to do, parsed and checked at the edge; no secret values in it but as <see cref="SecretSource"/>.</summary>
public sealed record BuildRequest
{
    public required ContextSource Context { get; init; }

    /// <summary>A directory inside the context that takes its place; null: the whole context.</summary>
    public string? ContextSubPath { get; init; }

    /// <summary>Path as given with --file (host path, or relative to a remote context's root); "-" is stdin; null: "Dockerfile" in the context.</summary>
    public string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text when it does not come from a file (stdin, MSBuild).</summary>
    public string? DockerfileText { get; init; }

    public string? Target { get; init; }

    /// <summary>Empty: the host's.</summary>
    public ImmutableArray<Platform> Platforms { get; init; } = [];

    public ImmutableSortedDictionary<string, string> BuildArgs { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>--build-context name=value; a later one of the same name wins.</summary>
    public ImmutableSortedDictionary<string, ContextSource> NamedContexts { get; init; } = ImmutableSortedDictionary<string, ContextSource>.Empty;

    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public ImmutableArray<Annotation> Annotations { get; init; } = [];

    public ImmutableArray<SecretSource> Secrets { get; init; } = [];

    public ImmutableArray<SshSource> Ssh { get; init; } = [];

    public ImmutableArray<ExtraHost> ExtraHosts { get; init; } = [];

    public ImmutableArray<Ulimit> Ulimits { get; init; } = [];

    public long? ShmSize { get; init; }

    public NetworkMode Network { get; init; } = NetworkMode.Default;

    public ImmutableArray<string> Entitlements { get; init; } = [];

    /// <summary>-t; the names the image gets.</summary>
    public ImmutableArray<ImageReference> Names { get; init; } = [];

    /// <summary>Empty: the result is built and cached, and named in the local store when it has names.</summary>
    public ImmutableArray<OutputSpec> Outputs { get; init; } = [];

    /// <summary>Caches of other machines that are asked for what is not known here.</summary>
    public ImmutableArray<CacheSource> CacheFrom { get; init; } = [];

    /// <summary>Where the cache of this build is written for other machines.</summary>
    public ImmutableArray<CacheDestination> CacheTo { get; init; } = [];

    public bool NoCache { get; init; }

    public ImmutableArray<string> NoCacheFilter { get; init; } = [];

    /// <summary>--pull: ask the registry even for what is known locally.</summary>
    public bool Pull { get; init; }

    /// <summary>Names with digests: nothing is exported if one of these names stands for another digest in its registry.</summary>
    public ImmutableArray<ImageReference> Expected { get; init; } = [];

    /// <summary>Seconds since 1970.</summary>
    public long? SourceDateEpoch { get; init; }

    public string? MetadataFile { get; init; }

    public string? ImageIdFile { get; init; }

    /// <summary>Steps run at once; 0: chosen by the engine.</summary>
    public int MaxParallelism { get; init; }
}

/// <summary>Where a context comes from.</summary>
public abstract record ContextSource;

/// <summary>A directory of this machine, absolute.</summary>
public sealed record DirectoryContext(string Path) : ContextSource;

/// <summary>No files at all (Dockerfile on stdin with <c>-</c> as the context).</summary>
public sealed record EmptyContext : ContextSource;

/// <summary>A tar, possibly compressed, read from this stream once.</summary>
public sealed record TarContext(Stream Tar) : ContextSource;

/// <summary>A git repository in any of docker's forms.</summary>
public sealed record GitContext(string Url) : ContextSource;

/// <summary>An http(s) URL: a tarball, or a single Dockerfile.</summary>
public sealed record HttpContext(string Url) : ContextSource;

/// <summary>docker-image://</summary>
public sealed record ImageContext(ImageReference Reference) : ContextSource;

/// <summary>oci-layout://path[:tag][@digest]</summary>
public sealed record OciLayoutContext(string Path, string? Tag, Digest? Digest) : ContextSource;

/// <param name="Level">manifest, index, manifest-descriptor or index-descriptor.</param>
/// <param name="Platform">Only for this platform; null: all.</param>
public sealed record Annotation(string Key, string Value, string Level = "manifest", Platform? Platform = null);

/// <summary>Where a secret's value is; read only when a step asks for it.</summary>
/// <param name="File">Path, or null.</param>
/// <param name="Variable">Environment variable of kimg itself, or null.</param>
public sealed record SecretSource(string Id, string? File, string? Variable);

/// <summary>Agent socket or key files of an ssh mount; empty paths: SSH_AUTH_SOCK.</summary>
public sealed record SshSource(string Id, ImmutableArray<string> Paths);
