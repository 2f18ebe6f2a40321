using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Name → image: resolve, choose the platform, fetch manifest and config; layers only when asked. Whatever was fetched is kept in
/// the store, so that the next time only the name is resolved.</summary>
internal sealed class Puller(RegistryClient client, IContentStore store)
{
    private const int MaxIndexDepth = 4;

    /// <exception cref="KimgException">ImageNotFound, PlatformNotFound, InvalidManifest, DigestMismatch, …</exception>
    public async Task<PulledImage> PullAsync(ImageReference name, Platform platform, CancellationToken cancellationToken) =>
        await PullAsync(name, await ResolveAsync(name, cancellationToken), platform, cancellationToken);

    /// <summary>As <see cref="PullAsync(ImageReference, Platform, CancellationToken)"/> for a name that has been resolved before.</summary>
    public async Task<PulledImage> PullAsync(ImageReference name, Descriptor resolved, Platform platform, CancellationToken cancellationToken)
    {
        ManifestDocument document = await DocumentAsync(name, resolved, cancellationToken);
        for (int depth = 0; document.Index is { } index; depth++)
        {
            if (depth == MaxIndexDepth) throw new KimgException(ErrorCode.InvalidManifest, $"'{name}' has more than {MaxIndexDepth} indexes in each other");
            Descriptor chosen = PlatformSelector.Select(index, platform, name.Familiar);
            document = await DocumentAsync(name, chosen, cancellationToken);
        }

        Descriptor config = document.Manifest!.Config;
        ReadOnlyMemory<byte> bytes = await ConfigAsync(name, config, cancellationToken);
        return new PulledImage
        {
            Name = name,
            Resolved = resolved,
            Manifest = document,
            Config = Parse(bytes, name),
            ConfigBytes = bytes,
            Blobs = client.BlobsOf(name),
        };
    }

    /// <summary>Fetches layers into the store, several at once.</summary>
    /// <param name="progress">Called with the bytes of a layer so far.</param>
    public Task FetchLayersAsync(
        PulledImage image, IEnumerable<Descriptor> layers, Action<Descriptor, long>? progress, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            layers.DistinctBy(l => l.Digest),
            new ParallelOptions { MaxDegreeOfParallelism = client.Options.ParallelTransfers, CancellationToken = cancellationToken },
            async (layer, token) => await store.EnsureAsync(
                layer, image.Blobs, progress is null ? null : bytes => progress(layer, bytes), token));

    // With a digest there is nothing to ask when its document is here.
    private async Task<Descriptor> ResolveAsync(ImageReference name, CancellationToken cancellationToken)
    {
        if (name.Digest is not { } digest || store.Find(digest) is not { } size || size > BoundedBody.Manifest)
            return await client.ResolveAsync(name, cancellationToken);
        var descriptor = new Descriptor { MediaType = "", Digest = digest, Size = size };
        return ManifestDocument.Parse(await store.ReadAsync(descriptor, cancellationToken), digest, null, $"manifest '{name}'").Descriptor;
    }

    private async Task<ManifestDocument> DocumentAsync(ImageReference name, Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (store.Find(descriptor.Digest) is not null)
        {
            return ManifestDocument.Parse(
                await store.ReadAsync(descriptor, cancellationToken), descriptor.Digest, descriptor.MediaType, $"manifest '{name}'");
        }

        ManifestDocument fetched = await client.GetManifestAsync(name, descriptor, cancellationToken);
        await store.WriteAsync(fetched.Bytes, cancellationToken);
        return fetched;
    }

    private async Task<ReadOnlyMemory<byte>> ConfigAsync(ImageReference name, Descriptor config, CancellationToken cancellationToken)
    {
        if (store.Find(config.Digest) is not null) return await store.ReadAsync(config, cancellationToken);
        ReadOnlyMemory<byte> bytes = await client.GetBlobAsync(name, config, cancellationToken);
        await store.WriteAsync(bytes, cancellationToken);
        return bytes;
    }

    private static ImageConfig Parse(ReadOnlyMemory<byte> bytes, ImageReference name)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, OciJson.Default.ImageConfig)
                ?? throw new KimgException(ErrorCode.InvalidManifest, $"the config of '{name}' is null");
        }
        catch (JsonException e)
        {
            throw new KimgException(ErrorCode.InvalidManifest, $"the config of '{name}' is not valid: {OneLine.Of(e.Message, 200)}", e);
        }
    }
}
