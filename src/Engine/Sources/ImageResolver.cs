using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Sources;

/// <summary>Name and platform → manifest and configuration. A tag is asked for at its registry, once per build; what a digest names is fetched once and
/// then read from the store.</summary>
internal sealed class ImageResolver(RegistryClient registry, IContentStore content, ImageNames names, bool pull)
{
    /// <param name="notice">Told when the registry could not be reached and what is known here is used instead.</param>
    public async Task<PlatformImage> ResolveAsync(ImageReference reference, Platform platform, Action<string>? notice, CancellationToken cancellationToken)
    {
        ManifestDocument document = await RootAsync(reference, notice, cancellationToken);
        if (document.Index is { } index)
        {
            Descriptor chosen = PlatformSelector.Select(index, platform, reference.Familiar);
            document = await DocumentAsync(reference, chosen, cancellationToken);
            if (document.Manifest is null) throw new KimgException(ErrorCode.InvalidManifest, $"'{reference.Familiar}' has an index inside an index for {platform}");
        }

        return await LoadAsync(reference, document, cancellationToken);
    }

    /// <summary>The image of a manifest digest that was resolved before.</summary>
    public async Task<PlatformImage> LoadAsync(ImageReference reference, Digest manifest, CancellationToken cancellationToken) =>
        await LoadAsync(reference, await ByDigestAsync(reference, manifest, cancellationToken), cancellationToken);

    /// <summary>The document a name stands for: an index or a manifest.</summary>
    public async Task<ManifestDocument> RootAsync(ImageReference reference, Action<string>? notice, CancellationToken cancellationToken)
    {
        if (reference.Digest is { } digest) return await ByDigestAsync(reference, digest, cancellationToken);
        NamedImage? known = names.Find(reference);
        if (known is { Local: true } && !pull && content.Find(known.Root.Digest) is not null) return await DocumentAsync(reference, known.Root, cancellationToken);
        try
        {
            Descriptor root = await registry.ResolveAsync(reference, cancellationToken);
            names.Set(reference, root, local: false);
            return await DocumentAsync(reference, root, cancellationToken);
        }
        catch (KimgException error) when (error.Code is ErrorCode.RegistryUnreachable or ErrorCode.TooManyRequests && known is not null && !pull
            && content.Find(known.Root.Digest) is not null)
        {
            notice?.Invoke($"{error.Message}; using '{reference.Familiar}' as last seen: {known.Root.Digest}");
            return await DocumentAsync(reference, known.Root, cancellationToken);
        }
    }

    private async Task<PlatformImage> LoadAsync(ImageReference reference, ManifestDocument document, CancellationToken cancellationToken)
    {
        Manifest manifest = document.Manifest
            ?? throw new KimgException(ErrorCode.InvalidManifest, $"'{reference.Familiar}' is an index, not an image");
        ReadOnlyMemory<byte> bytes = await BlobAsync(reference, manifest.Config, cancellationToken);
        try
        {
            ImageConfig config = JsonSerializer.Deserialize(bytes.Span, OciJson.Default.ImageConfig) ?? throw new JsonException("it is null");
            int diffIds = config.Rootfs?.DiffIds.Length ?? 0;
            if (diffIds != manifest.Layers.Length) throw new JsonException($"it lists {diffIds} layers and the manifest {manifest.Layers.Length}");
            return new PlatformImage(reference, document.Descriptor, manifest, config);
        }
        catch (JsonException error)
        {
            throw new KimgException(ErrorCode.InvalidManifest, $"the configuration of '{reference.Familiar}' is not valid: {error.Message}", error);
        }
    }

    private async Task<ManifestDocument> ByDigestAsync(ImageReference reference, Digest digest, CancellationToken cancellationToken)
    {
        if (content.Find(digest) is { } size)
        {
            var descriptor = new Descriptor { MediaType = "", Digest = digest, Size = size };
            return ManifestDocument.Parse(await content.ReadAsync(descriptor, cancellationToken), digest, null, $"manifest '{reference.Familiar}'");
        }

        ManifestDocument fetched = await registry.GetManifestAsync(reference with { Digest = digest }, null, cancellationToken);
        await content.WriteAsync(fetched.Bytes, cancellationToken);
        return fetched;
    }

    private async Task<ManifestDocument> DocumentAsync(ImageReference reference, Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (content.Find(descriptor.Digest) is not null)
        {
            ReadOnlyMemory<byte> bytes = await content.ReadAsync(descriptor, cancellationToken);
            return ManifestDocument.Parse(bytes, descriptor.Digest, descriptor.MediaType, $"manifest '{reference.Familiar}'");
        }

        ManifestDocument fetched = await registry.GetManifestAsync(reference, descriptor, cancellationToken);
        await content.WriteAsync(fetched.Bytes, cancellationToken);
        return fetched;
    }

    private async Task<ReadOnlyMemory<byte>> BlobAsync(ImageReference reference, Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (content.Find(descriptor.Digest) is not null) return await content.ReadAsync(descriptor, cancellationToken);
        ReadOnlyMemory<byte> bytes = await registry.GetBlobAsync(reference, descriptor, cancellationToken);
        await content.WriteAsync(bytes, cancellationToken);
        return bytes;
    }
}

/// <summary>One platform's image, complete but for its layers' bytes.</summary>
internal sealed record PlatformImage(ImageReference Reference, Descriptor Descriptor, Manifest Manifest, ImageConfig Config);
