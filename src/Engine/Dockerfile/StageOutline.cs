using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What a stage takes from its caller, collected while it is lowered.</summary>
internal sealed class StageOutline
{
    public Dictionary<string, OutlineArgument> Arguments { get; private init; } = [];

    public HashSet<string> Used { get; private init; } = [];

    public Dictionary<string, OutlineMount> Secrets { get; private init; } = [];

    public Dictionary<string, OutlineMount> Agents { get; private init; } = [];

    public StageOutline Clone() => new()
    {
        Arguments = new(Arguments), Used = [.. Used], Secrets = new(Secrets), Agents = new(Agents),
    };
}

/// <param name="Dependencies">Global arguments its default refers to.</param>
internal sealed record OutlineArgument(ArgDefinition Definition, string? Value, SourceSpan Span, IReadOnlyCollection<string> Dependencies);

internal sealed record OutlineMount(bool Required, SourceSpan Span);
