using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>What is known of a vertex's result: the chain of its layers, by name. Their bytes are elsewhere.</summary>
internal sealed record CacheRecord
{
    public required ImmutableArray<LayerRecord> Layers { get; init; }

    /// <summary>All keys known for this result. A cache that is exported names them all, also those that this build did not come to.</summary>
    public ImmutableArray<Digest>? Keys { get; init; }
}

/// <summary>One layer of a chain.</summary>
/// <param name="Id">Its identity within chains.</param>
/// <param name="Created">When it was first made; history shows it. Null for layers of a base image.</param>
internal sealed record LayerRecord(Digest Id, DateTimeOffset? Created)
{
    /// <summary>An image's layer: its blob; null for layers made here.</summary>
    public Descriptor? Blob { get; init; }

    /// <summary>A layer that was imported from a cache: what its blob must unpack to. Only that counts for directories, never the id it claims.</summary>
    public Digest? DiffId { get; init; }

    /// <summary>Of an imported layer: compression and level of the blob.</summary>
    public string? Form { get; init; }

    /// <summary>Where the blob can be fetched again, an image reference; null when it is only here.</summary>
    public string? Source { get; init; }
}

/// <summary>The blobs a layer made here was exported as.</summary>
internal sealed record LayerBlobs(ImmutableArray<LayerBlob> Blobs);

/// <param name="Form">Compression and level, as in "gzip:6".</param>
/// <param name="Epoch">mtimes in it were clamped to this, seconds since 1970; null: they are the layer's own.</param>
internal sealed record LayerBlob(string Form, long? Epoch, Digest DiffId, Digest Digest, long Size);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(CacheRecord))]
[JsonSerializable(typeof(LayerBlobs))]
internal sealed partial class CacheJson : JsonSerializerContext;
