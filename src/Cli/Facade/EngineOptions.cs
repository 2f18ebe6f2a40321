using System.Collections.Immutable;
using Kimg.Engine.Build;

namespace Kimg.Cli.Facade;

/// <summary>What every verb that touches the store, the sandbox or a registry takes; null and empty: the engine's own choice.</summary>
internal sealed record EngineOptions
{
    public string? StateDirectory { get; init; }

    public string? Isolation { get; init; }

    public string? StorageDriver { get; init; }

    /// <summary>What is collected after builds; null: nothing.</summary>
    public CollectionPolicy? Collection { get; init; }

    /// <summary>"": for every architecture.</summary>
    public ImmutableArray<(string Architecture, string Path)> Emulators { get; init; } = [];

    public ImmutableArray<string> InsecureRegistries { get; init; } = [];

    /// <summary>HOST=MIRROR, or MIRROR alone for docker.io.</summary>
    public ImmutableArray<(string Registry, string Mirror)> Mirrors { get; init; } = [];

    /// <summary>Trusted or shown to single registries.</summary>
    public ImmutableArray<RegistryCertificate> Certificates { get; init; } = [];

    /// <summary>How often a request to a registry is tried at least, when that is more than the engine does anyway.</summary>
    public int? Attempts { get; init; }

    /// <summary>Added to the environment as the engine sees it, before the user's own.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>Files in PEM.</summary>
/// <param name="Host"><c>host[:port]</c>; "" with <paramref name="Authority"/> a directory laid out as docker's certs.d.</param>
internal sealed record RegistryCertificate(string Host, string? Authority, string? Client, string? ClientKey);
