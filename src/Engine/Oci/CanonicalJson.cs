using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kimg.Engine.Oci;

/// <summary>The bytes of documents that kimg makes: those that Docker and BuildKit would write for the same values. Field order is the
/// declaration order of the records; manifests and indexes are indented by two spaces, configurations are not.</summary>
public static class CanonicalJson
{
    private static readonly OciJson s_compact = new(Options(indented: false)), s_indented = new(Options(indented: true));

    public static byte[] Serialize(Manifest manifest) => Serialize(manifest, s_indented.Manifest);

    public static byte[] Serialize(ImageIndex index) => Serialize(index, s_indented.ImageIndex);

    public static byte[] Serialize(ImageConfig config) => Serialize(config, s_compact.ImageConfig);

    /// <summary>An OCI layout's <c>index.json</c>, which is not indented.</summary>
    internal static byte[] SerializeCompact(ImageIndex index) => Serialize(index, s_compact.ImageIndex);

    private static byte[] Serialize<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    private static JsonSerializerOptions Options(bool indented) => new(OciJson.Default.Options)
    {
        Encoder = new GoJsonEncoder(), WriteIndented = indented, IndentSize = 2, NewLine = "\n",
    };
}
