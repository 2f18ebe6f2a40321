using System.Security.Cryptography;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Oci;

/// <summary>Checks everything that must hold in an image or index (image-spec 1.1): digests, sizes and media types of all blobs, layers whose
/// uncompressed bytes have the diff IDs of the configuration, history that agrees with the layers, platforms that agree with the index.</summary>
/// <param name="open">The bytes of a blob.</param>
/// <param name="decompress">The uncompressed bytes of a layer; knows the codec by the bytes.</param>
internal sealed class OciValidator(Func<Descriptor, CancellationToken, Task<Stream>> open, Func<Stream, Stream> decompress)
{
    private readonly List<string> _problems = [];

    /// <summary>What is wrong, one line each; empty when nothing is.</summary>
    public async Task<IReadOnlyList<string>> ValidateAsync(Descriptor root, CancellationToken cancellationToken)
    {
        if (MediaTypes.IsIndex(root.MediaType)) await ValidateIndexAsync(root, cancellationToken);
        else if (MediaTypes.IsManifest(root.MediaType)) await ValidateManifestAsync(root, cancellationToken);
        else Problem(root, $"media type '{root.MediaType}' is neither an image nor an index");
        return _problems;
    }

    private async Task ValidateIndexAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        ImageIndex? index = await ReadAsync(descriptor, OciJson.Default.ImageIndex, cancellationToken);
        if (index is null) return;
        if (index.SchemaVersion != 2) Problem(descriptor, $"schemaVersion is {index.SchemaVersion}");
        if (index.MediaType is { } type && type != descriptor.MediaType) Problem(descriptor, $"says it is '{type}', described as '{descriptor.MediaType}'");
        CheckAnnotations(descriptor, index.Annotations?.Keys);
        foreach (Descriptor manifest in index.Manifests)
        {
            if (MediaTypes.IsIndex(manifest.MediaType)) await ValidateIndexAsync(manifest, cancellationToken);
            else if (MediaTypes.IsManifest(manifest.MediaType)) await ValidateManifestAsync(manifest, cancellationToken);
            else Problem(descriptor, $"lists '{manifest.MediaType}'");
            if (MediaTypes.IsManifest(manifest.MediaType) && manifest.Platform is null) Problem(manifest, "has no platform in its index");
        }
    }

    private async Task ValidateManifestAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        Manifest? manifest = await ReadAsync(descriptor, OciJson.Default.Manifest, cancellationToken);
        if (manifest is null) return;
        bool oci = descriptor.MediaType == MediaTypes.OciManifest;
        if (manifest.SchemaVersion != 2) Problem(descriptor, $"schemaVersion is {manifest.SchemaVersion}");
        if (manifest.MediaType is { } type && type != descriptor.MediaType) Problem(descriptor, $"says it is '{type}', described as '{descriptor.MediaType}'");
        CheckAnnotations(descriptor, manifest.Annotations?.Keys);
        if (!oci && manifest.Annotations is not null) Problem(descriptor, "Docker's manifest has annotations");
        var diffIds = new List<Digest>();
        foreach (Descriptor layer in manifest.Layers)
        {
            if (MediaTypes.Convert(layer.MediaType, oci) != layer.MediaType) Problem(layer, $"'{layer.MediaType}' in a {(oci ? "OCI" : "Docker")} manifest");
            if (!MediaTypes.IsLayer(layer.MediaType) && manifest.ArtifactType is null && descriptor.Platform is not { Os: "unknown" })
                Problem(layer, $"'{layer.MediaType}' is no layer of an image");
            if (await CheckLayerAsync(layer, cancellationToken) is { } diffId) diffIds.Add(diffId);
        }

        if (manifest.Config.MediaType == (oci ? MediaTypes.OciConfig : MediaTypes.DockerConfig))
            await ValidateConfigAsync(manifest, descriptor, diffIds, cancellationToken);
        else if (manifest.Config.MediaType == MediaTypes.OciEmpty && manifest.ArtifactType is null)
            Problem(descriptor, "has an empty configuration and no artifactType");
        else if (manifest.Config.MediaType is MediaTypes.OciConfig or MediaTypes.DockerConfig)
            Problem(manifest.Config, $"'{manifest.Config.MediaType}' in a {(oci ? "OCI" : "Docker")} manifest");
    }

    private async Task ValidateConfigAsync(Manifest manifest, Descriptor descriptor, List<Digest> diffIds, CancellationToken cancellationToken)
    {
        ImageConfig? config = await ReadAsync(manifest.Config, OciJson.Default.ImageConfig, cancellationToken);
        if (config is null) return;
        if (config.Os.Length == 0 || config.Architecture.Length == 0) Problem(manifest.Config, "has no os or architecture");
        if (config.Rootfs is not { Type: "layers" } rootfs) Problem(manifest.Config, "has no rootfs of type layers");
        else if (!rootfs.DiffIds.SequenceEqual(diffIds))
            Problem(manifest.Config, $"diff_ids [{string.Join(", ", rootfs.DiffIds)}] are not those of the layers [{string.Join(", ", diffIds)}]");
        int inHistory = config.History?.Count(h => h.EmptyLayer != true) ?? manifest.Layers.Length;
        if (inHistory != manifest.Layers.Length) Problem(manifest.Config, $"history has {inHistory} layers, the manifest {manifest.Layers.Length}");
        if (descriptor.Platform is { } platform
            && (platform.Os, platform.Architecture, platform.Variant) != (config.Os, config.Architecture, config.Variant))
        {
            Problem(manifest.Config, $"is for {config.Os}/{config.Architecture}/{config.Variant}, "
                + $"listed as {platform.Os}/{platform.Architecture}/{platform.Variant}");
        }
    }

    private async Task<Digest?> CheckLayerAsync(Descriptor layer, CancellationToken cancellationToken)
    {
        using var blob = new HashingStream(await open(layer, cancellationToken));
        using var content = new HashingStream(decompress(blob), leaveOpen: true);
        await content.CopyToAsync(Stream.Null, cancellationToken);
        await blob.CopyToAsync(Stream.Null, cancellationToken);
        if (blob.Count != layer.Size) Problem(layer, $"has {blob.Count} bytes, described with {layer.Size}");
        if (blob.CurrentDigest == layer.Digest) return content.CurrentDigest;
        Problem(layer, $"has the digest {blob.CurrentDigest}");
        return null;
    }

    private async Task<T?> ReadAsync<T>(Descriptor descriptor, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        using var bytes = new MemoryStream();
        await using (Stream blob = await open(descriptor, cancellationToken)) await blob.CopyToAsync(bytes, cancellationToken);
        if (bytes.Length != descriptor.Size) Problem(descriptor, $"has {bytes.Length} bytes, described with {descriptor.Size}");
        Digest digest = Digest.FromSha256(SHA256.HashData(bytes.ToArray()));
        if (digest != descriptor.Digest) Problem(descriptor, $"has the digest {digest}");
        if (descriptor.Data is { } data && !data.AsSpan().SequenceEqual(bytes.ToArray())) Problem(descriptor, "embeds other data");
        try
        {
            return JsonSerializer.Deserialize(bytes.ToArray(), type);
        }
        catch (JsonException e)
        {
            Problem(descriptor, $"is not valid: {e.Message}");
            return null;
        }
    }

    private void CheckAnnotations(Descriptor descriptor, IEnumerable<string>? keys)
    {
        if (keys?.Any(string.IsNullOrEmpty) == true) Problem(descriptor, "has an annotation without a key");
    }

    private void Problem(Descriptor descriptor, string problem) => _problems.Add($"{descriptor.Digest}: {problem}");
}
