using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>A finding of a lint rule; names, descriptions and addresses are BuildKit's.</summary>
public sealed record LintWarning(string Rule, string Description, string Detail, SourceSpan? Span)
{
    public string? Url { get; init; }
}
