using System.Collections.Immutable;

namespace Kimg.Bench;

/// <summary>One build, as every builder is asked to do it.</summary>
internal sealed record BuildJob
{
    public required string Context { get; init; }

    public ImmutableArray<(string Name, string Value)> Arguments { get; init; } = [];

    /// <summary>A cache in a registry that is read, and one that is written with every step.</summary>
    public string? CacheFrom { get; init; }

    public string? CacheTo { get; init; }

    public string? Platform { get; init; }

    public BuildOutput Output { get; init; } = new CacheOnly();

    /// <summary>Options that kimg has from buildx.</summary>
    public IEnumerable<string> Options =>
    [
        .. CacheFrom is null ? [] : new[] { "--cache-from", $"type=registry,ref={CacheFrom}" },
        .. CacheTo is null ? [] : new[] { "--cache-to", $"type=registry,ref={CacheTo},mode=max" },
        .. Platform is null ? [] : new[] { "--platform", Platform },
    ];

    public BuildJob With(string argument, string value) => this with { Arguments = Arguments.Add((argument, value)) };
}

internal abstract record BuildOutput;

internal sealed record CacheOnly : BuildOutput;

/// <summary>An OCI layout in a tar.</summary>
internal sealed record OciTar(string Path) : BuildOutput;

internal sealed record Push(string Name) : BuildOutput;
