using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Graph;

/// <summary>Digests of operations and vertices: SHA-256 over the operation's canonical JSON (declaration order, nulls left out).</summary>
public static class OpDigest
{
    public static Digest Of(Op op) => Digest.Sha256(JsonSerializer.SerializeToUtf8Bytes(op, GraphJson.Default.Op));

    internal static Digest OfVertex(Op op, ImmutableArray<Vertex> inputs)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(Of(op).ToString()));
        foreach (Vertex input in inputs) hash.AppendData(Encoding.ASCII.GetBytes("\n" + input.Digest));
        return Digest.FromSha256(hash.GetHashAndReset());
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(DigestJsonConverter), typeof(PathTextJsonConverter)])]
[JsonSerializable(typeof(Op))]
internal sealed partial class GraphJson : JsonSerializerContext;
