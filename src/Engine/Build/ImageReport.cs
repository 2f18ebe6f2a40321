using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <param name="Root">The manifest or index itself.</param>
/// <param name="Document">Its exact bytes.</param>
/// <param name="Images">One per platform; attestations are not among them.</param>
public sealed record ImageReport(string Name, Descriptor Root, ReadOnlyMemory<byte> Document, ImmutableArray<PlatformImage> Images)
{
    /// <summary>What the name stands for: <see cref="Root"/>, or the index it was chosen from.</summary>
    public Descriptor Named { get; init; } = Root;
}

/// <param name="Config">The exact bytes of the configuration.</param>
public sealed record PlatformImage(Platform Platform, Descriptor Manifest, ReadOnlyMemory<byte> Config, ImmutableArray<Descriptor> Layers);
