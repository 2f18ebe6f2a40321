using System.Collections.Immutable;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Build;

/// <summary>What a cache holds.</summary>
/// <param name="Steps">Results of steps.</param>
/// <param name="BaseLayers">Layers that are named only: they belong to base images.</param>
public sealed record CacheReport(
    string Name, DateTimeOffset? Written, int Steps, ImmutableArray<Descriptor> Layers, int BaseLayers, ImmutableArray<CachedMountReport> Mounts);

/// <param name="Bytes">Of its files.</param>
/// <param name="Blob">As it is kept.</param>
public sealed record CachedMountReport(string Id, long Bytes, Descriptor Blob);
