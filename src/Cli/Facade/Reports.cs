using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Facade;

/// <param name="Dockerfile">What was looked at.</param>
internal sealed record CheckReport(string FileName, SourceText Dockerfile, ImmutableArray<LintWarning> Warnings);

/// <param name="Root">The manifest or index itself.</param>
/// <param name="Document">Its exact bytes.</param>
/// <param name="Images">One per platform; attestations are not among them.</param>
internal sealed record ImageReport(string Name, Descriptor Root, ReadOnlyMemory<byte> Document, ImmutableArray<PlatformImage> Images);

/// <param name="Config">The exact bytes of the configuration.</param>
internal sealed record PlatformImage(Platform Platform, Descriptor Manifest, ReadOnlyMemory<byte> Config, ImmutableArray<Descriptor> Layers);

/// <param name="Kind">image, layer, snapshot, cache mount, context, …</param>
internal sealed record UsageItem(string Kind, string Id, long Bytes, DateTimeOffset LastUsed, bool InUse, string Description);

/// <param name="OlderThan">Only what was not used for this long; null: any age.</param>
/// <param name="KeepBytes">Delete the longest unused until this much is left; null: no limit.</param>
/// <param name="All">Also what is named.</param>
internal sealed record PruneRequest(TimeSpan? OlderThan, long? KeepBytes, bool All);

internal sealed record PruneReport(int Items, long Bytes);

/// <summary>One thing about this machine: what was tried, whether it works, and if not what helps.</summary>
internal sealed record HostFinding(string Name, bool Works, string Detail, string? Fix);

/// <param name="Isolation">What a build would use now.</param>
internal sealed record HostReport(string Isolation, string StorageDriver, ImmutableArray<HostFinding> Findings);

/// <param name="Address">HOST:PORT; port 0: a free one.</param>
/// <param name="Directory">null: in the state directory.</param>
internal sealed record ServeRequest(string Address, string? Directory, string? CertificateFile, string? KeyFile, bool ReadOnly);
