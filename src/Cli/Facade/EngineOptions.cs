using System.Collections.Immutable;

namespace Kimg.Cli.Facade;

/// <summary>What every verb that touches the store, the sandbox or a registry takes; null and empty: the engine's own choice.</summary>
internal sealed record EngineOptions
{
    public string? StateDirectory { get; init; }

    public string? Isolation { get; init; }

    public string? StorageDriver { get; init; }

    /// <summary>"": for every architecture.</summary>
    public ImmutableArray<(string Architecture, string Path)> Emulators { get; init; } = [];

    public ImmutableArray<string> InsecureRegistries { get; init; } = [];

    /// <summary>HOST=MIRROR, or MIRROR alone for docker.io.</summary>
    public ImmutableArray<(string Registry, string Mirror)> Mirrors { get; init; } = [];
}
