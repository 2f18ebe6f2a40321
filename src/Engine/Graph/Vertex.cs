using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Graph;

/// <summary>A node of the build graph: an operation on the results of its inputs, with what people see of it. Identity is
/// <see cref="Digest"/>: the same operation on the same inputs is one vertex.</summary>
public sealed class Vertex
{
    public Vertex(Op op, ImmutableArray<Vertex> inputs, VertexMeta meta)
    {
        Op = op;
        Inputs = inputs;
        Meta = meta;
        Digest = OpDigest.OfVertex(op, inputs);
    }

    public Op Op { get; }

    public ImmutableArray<Vertex> Inputs { get; }

    public VertexMeta Meta { get; }

    /// <summary>Digest of the operation and of the inputs' digests.</summary>
    public Digest Digest { get; }
}

/// <summary>What does not change a vertex's result.</summary>
public sealed record VertexMeta(string Name)
{
    public SourceSpan? Span { get; init; }

    /// <summary>Name of the stage as shown in progress, or null.</summary>
    public string? Stage { get; init; }

    /// <summary>--no-cache, --no-cache-filter: do not take this vertex from a cache.</summary>
    public bool IgnoreCache { get; init; }
}
