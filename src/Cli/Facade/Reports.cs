using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Facade;

/// <param name="Dockerfile">What was looked at.</param>
/// <param name="Error">Why it would not build; null when it would.</param>
internal sealed record CheckReport(string FileName, SourceText Dockerfile, ImmutableArray<LintWarning> Warnings, KimgException? Error = null);
