using System.Collections.Immutable;

namespace Kimg.Engine.Sandbox;

/// <summary>One thing about this machine: what was tried, whether it works, and if not what helps.</summary>
public sealed record HostFinding(string Name, bool Works, string Detail, string? Fix);

/// <param name="Isolation">The rung a build with RUN would use now; "none" when only builds without RUN work.</param>
/// <param name="StorageDriver">Likewise; "none" without a rung.</param>
public sealed record HostReport(string Isolation, string StorageDriver, ImmutableArray<HostFinding> Findings);
