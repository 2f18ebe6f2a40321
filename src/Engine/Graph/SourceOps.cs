using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Graph;

/// <summary>An image's root file system. <see cref="Digest"/> is that of the platform's manifest, as resolved during lowering.</summary>
public sealed record ImageSourceOp(string Reference, Platform Platform, Digest Digest) : Op;

/// <summary>A local directory: the main context ("context"), a named one, or the directory of the Dockerfile. The solver's client
/// knows its path. Its key is its content.</summary>
public sealed record LocalSourceOp(string Name) : Op
{
    /// <summary>Patterns of .dockerignore syntax that hide files, in order; null: what the context's own ignore file says.</summary>
    public ImmutableArray<string>? Excludes { get; init; }
}

/// <summary>A git repository at a commit or reference; <see cref="Subdir"/> becomes the root.</summary>
public sealed record GitSourceOp(string Remote, string? Ref) : Op
{
    public string? Subdir { get; init; }

    public bool KeepGitDir { get; init; }

    public bool Submodules { get; init; } = true;

    /// <summary>The commit that must be found (a prefix of at least seven digits), or null.</summary>
    public string? Checksum { get; init; }

    /// <summary>The checksum is fetched directly and trusted; <see cref="Ref"/> is only its name.</summary>
    public bool FetchByCommit { get; init; }

    /// <summary>"commit": files have the time of the commit; otherwise that of the first checkout here.</summary>
    public string? ModificationTime { get; init; }

    /// <summary>What a reference asks for.</summary>
    public static GitSourceOp Of(GitReference git) => new(git.Remote, git.Ref)
    {
        Subdir = git.Subdir, KeepGitDir = git.KeepGitDir ?? false, Submodules = git.Submodules ?? true, Checksum = git.Checksum,
        FetchByCommit = git.FetchByCommit, ModificationTime = git.ModificationTime,
    };
}

/// <summary>One file fetched over http(s), placed in the root as <see cref="FileName"/>.</summary>
public sealed record HttpSourceOp(string Url) : Op
{
    public Digest? Checksum { get; init; }

    public required string FileName { get; init; }

    /// <summary>Permission bits of the file; 0600 unless --chmod says otherwise.</summary>
    public int Mode { get; init; } = 0b110_000_000;

    public int Uid { get; init; }

    public int Gid { get; init; }
}

/// <summary>An image in an OCI layout directory given with --build-context.</summary>
public sealed record OciLayoutSourceOp(string Name, string? Tag, Digest? Digest, Platform Platform) : Op;
