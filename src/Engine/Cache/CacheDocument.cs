using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>The configuration blob of a cache artifact, and what an image with an inline cache holds: cache keys and the layers of the results they stand
/// for. Layers, chains and results refer to each other by position.</summary>
internal sealed record CacheDocument
{
    public const int CurrentFormat = 1;

    /// <summary>Of this document.</summary>
    public required int Format { get; init; }

    /// <summary>Of the keys (<see cref="Solver.CacheKey.FormatVersion"/>): under another one nothing would be found.</summary>
    public required string Keys { get; init; }

    /// <summary>When it was written.</summary>
    public DateTimeOffset? Written { get; init; }

    public required ImmutableArray<CachedLayer> Layers { get; init; }

    public required ImmutableArray<CachedChain> Chains { get; init; }

    public required ImmutableArray<CachedResult> Results { get; init; }

    public ImmutableArray<CachedMount>? Mounts { get; init; }
}

/// <summary>A layer. One without a blob belongs to a base image: whoever imports the cache has it from there.</summary>
/// <param name="Id">Its identity within chains.</param>
internal sealed record CachedLayer(Digest Id)
{
    /// <summary>Of the uncompressed tar; null for a layer of a base image, whose id it is.</summary>
    public Digest? DiffId { get; init; }

    /// <summary>Listed in the manifest.</summary>
    public Digest? Blob { get; init; }

    /// <summary>Compression and level, as in "gzip:6".</summary>
    public string? Form { get; init; }

    /// <summary>Times in it were clamped to this.</summary>
    public long? Epoch { get; init; }

    public DateTimeOffset? Created { get; init; }
}

/// <param name="Parent">An earlier chain; −1: none.</param>
internal sealed record CachedChain(int Parent, int Layer);

/// <param name="Chain">−1: the empty tree.</param>
internal sealed record CachedResult(int Chain, ImmutableArray<Digest> Keys);

/// <summary>A cache mount's files, a tar of their own.</summary>
/// <param name="Size">Bytes of the files in it.</param>
internal sealed record CachedMount(string Id, Digest Blob, long Size);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(CacheDocument))]
internal sealed partial class CacheDocumentJson : JsonSerializerContext;
