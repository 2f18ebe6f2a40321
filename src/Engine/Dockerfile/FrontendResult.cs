using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Dockerfile;

/// <summary>What a Dockerfile means for one platform.</summary>
public sealed record FrontendResult
{
    /// <summary>The target stage's root file system.</summary>
    public required Vertex Root { get; init; }

    /// <summary>The image's configuration without rootfs. The entries of History that are not EmptyLayer pair, in order, with the layers of
    /// <see cref="Root"/>; Created is null where the entry is new.</summary>
    public required ImageConfig Config { get; init; }

    public ImmutableArray<LintWarning> Warnings { get; init; } = [];

    /// <summary>The base image of the target stage, if it has one.</summary>
    public ResolvedImage? BaseImage { get; init; }

    /// <summary>Every stage that is reachable from the target, by name, for --call=targets, SBOM and provenance.</summary>
    public ImmutableArray<string> Stages { get; init; } = [];

    /// <summary>BUILDKIT_SBOM_SCAN_CONTEXT: the bill of materials covers the context too.</summary>
    public bool ScanContext { get; init; }

    /// <summary>BUILDKIT_SBOM_SCAN_STAGE: stages other than the target that the bill of materials covers.</summary>
    public ImmutableArray<ScanTarget> ScanStages { get; init; } = [];

    /// <summary>SOURCE_DATE_EPOCH as finally resolved (build argument, option or Dockerfile), or null.</summary>
    public long? SourceDateEpoch { get; init; }
}

/// <summary>A stage whose root file system is scanned.</summary>
public sealed record ScanTarget(string Stage, Vertex Root);
