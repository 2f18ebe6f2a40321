using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>A manifest or index as it was fetched: its exact bytes, checked against the descriptor, and what they say.</summary>
public sealed record ManifestDocument
{
    private const long MaxBlobSize = 1L << 40;

    // What the parser says ("'T' is an invalid start of a value. LineNumber: 0 …") helps nobody who did not write the file.
    private const string NotJson = "it is not JSON";

    private ManifestDocument(Descriptor descriptor, ReadOnlyMemory<byte> bytes) => (Descriptor, Bytes) = (descriptor, bytes);

    public Descriptor Descriptor { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Set unless this is an index.</summary>
    public Manifest? Manifest { get; private init; }

    /// <summary>Set unless this is a manifest.</summary>
    public ImageIndex? Index { get; private init; }

    public Descriptor? Subject => Manifest?.Subject ?? Index?.Subject;

    /// <summary>Everything this document needs to be complete, itself not included.</summary>
    public IEnumerable<Descriptor> References => Index is { } index ? index.Manifests : [Manifest!.Config, .. Manifest.Layers];

    /// <param name="mediaType">From the answer's header or the descriptor; null or a generic type leaves it to the document.</param>
    /// <param name="digest">What the bytes were checked to be.</param>
    /// <param name="what">For messages.</param>
    /// <exception cref="KimgException">InvalidManifest.</exception>
    public static ManifestDocument Parse(ReadOnlyMemory<byte> bytes, Digest digest, string? mediaType, string what)
    {
        string? inside = DeclaredType(bytes.Span, what, out bool hasManifests, out bool hasLayers);
        // The same bytes must not be read as two different things by two programs (CVE-2021-41190).
        if (hasManifests && hasLayers) throw Invalid(what, "it has both 'manifests' and 'layers'");
        string? outside = IsGeneric(mediaType) ? null : mediaType;
        if (outside is not null && inside is not null && outside != inside)
            throw Invalid(what, $"it was sent as '{OneLine.Of(outside, 100)}' but says '{OneLine.Of(inside, 100)}'");
        string type = outside ?? inside ?? (hasManifests ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        var descriptor = new Descriptor { MediaType = type, Digest = digest, Size = bytes.Length };
        try
        {
            if (MediaTypes.IsIndex(type))
            {
                ImageIndex index = JsonSerializer.Deserialize(bytes.Span, OciJson.Default.ImageIndex) ?? throw Invalid(what, "it is null");
                Check(index.SchemaVersion, index.Manifests, what);
                return new ManifestDocument(descriptor, bytes) { Index = index };
            }

            if (!MediaTypes.IsManifest(type)) throw Unsupported(type, what);
            Manifest manifest = JsonSerializer.Deserialize(bytes.Span, OciJson.Default.Manifest) ?? throw Invalid(what, "it is null");
            Check(manifest.SchemaVersion, manifest.Layers, what);
            Check(manifest.SchemaVersion, [manifest.Config], what);
            return new ManifestDocument(descriptor, bytes) { Manifest = manifest };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Invalid(what, e is JsonException { Path: null or "$" } ? NotJson : OneLine.Of(e.Message, 200), e);
        }
    }

    private static void Check(int schemaVersion, ImmutableArray<Descriptor> descriptors, string what)
    {
        if (schemaVersion != 2) throw Invalid(what, $"schema version {schemaVersion} instead of 2");
        if (descriptors.IsDefault) throw Invalid(what, "a list is missing");
        foreach (Descriptor? descriptor in descriptors)
        {
            if (descriptor is null || descriptor.Digest == default || string.IsNullOrEmpty(descriptor.MediaType))
                throw Invalid(what, "a descriptor is missing its digest or media type");
            if (descriptor.Size is < 0 or > MaxBlobSize) throw Invalid(what, $"'{descriptor.Digest}' claims a size of {descriptor.Size} bytes");
        }
    }

    private static string? DeclaredType(ReadOnlySpan<byte> bytes, string what, out bool hasManifests, out bool hasLayers)
    {
        hasManifests = hasLayers = false;
        string? type = null;
        try
        {
            var reader = new Utf8JsonReader(bytes);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Invalid(what, "it is not a JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                hasManifests |= reader.ValueTextEquals("manifests"u8);
                hasLayers |= reader.ValueTextEquals("layers"u8) || reader.ValueTextEquals("fsLayers"u8);
                bool isType = reader.ValueTextEquals("mediaType"u8);
                reader.Read();
                if (isType && reader.TokenType == JsonTokenType.String) type = reader.GetString();
                reader.Skip();
            }

            return type;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Invalid(what, NotJson, e);
        }
    }

    private static bool IsGeneric(string? mediaType) =>
        mediaType is null or "" or "application/json" or "text/plain" or "application/octet-stream" or "binary/octet-stream";

    private static KimgException Unsupported(string type, string what) => new(
        ErrorCode.InvalidManifest, $"{what} is of type '{OneLine.Of(type, 100)}'")
    {
        Hint = type.Contains("manifest.v1", StringComparison.Ordinal) && type.Contains("docker", StringComparison.Ordinal)
            ? "Docker's schema 1 is no longer supported; push the image again with a current tool"
            : "an OCI or Docker image manifest or index is needed",
    };

    private static KimgException Invalid(string what, string why, Exception? inner = null) =>
        new(ErrorCode.InvalidManifest, $"{what} is not valid: {why}", inner);
}
