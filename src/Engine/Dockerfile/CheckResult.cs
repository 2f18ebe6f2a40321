using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What a check found. <see cref="Error"/>: why the build would fail, or null.</summary>
public sealed record CheckResult(ImmutableArray<LintWarning> Warnings, KimgException? Error)
{
    /// <summary>The name and content of the Dockerfile, for reports.</summary>
    public required string FileName { get; init; }

    public required SourceText Source { get; init; }

    public bool Passed => Warnings.IsEmpty && Error is null;
}
