using System.Collections.Immutable;

namespace Kimg.Bench;

/// <summary>One build, as every builder is asked to do it.</summary>
internal sealed record BuildJob
{
    public required string Context { get; init; }

    public ImmutableArray<(string Name, string Value)> Arguments { get; init; } = [];

    public BuildOutput Output { get; init; } = new CacheOnly();

    public BuildJob With(string argument, string value) => this with { Arguments = Arguments.Add((argument, value)) };
}

internal abstract record BuildOutput;

internal sealed record CacheOnly : BuildOutput;

/// <summary>An OCI layout in a tar.</summary>
internal sealed record OciTar(string Path) : BuildOutput;

internal sealed record Push(string Name) : BuildOutput;
