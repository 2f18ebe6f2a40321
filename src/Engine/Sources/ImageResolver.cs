using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Sources;

/// <summary>Name and platform → image. A tag is asked for at its registry, once per build, unless it was built or pulled here; what a digest names is read from
/// the store once it was fetched.</summary>
internal sealed class ImageResolver(RegistryClient registry, IContentStore content, ImageNames names, bool pull)
{
    private readonly Puller _puller = new(registry, content);

    /// <param name="notice">Told when the registry could not be reached and what is known here is used instead.</param>
    public async Task<PulledImage> ResolveAsync(ImageReference reference, Platform platform, Action<string>? notice, CancellationToken cancellationToken)
    {
        if (reference.Digest is not null) return await _puller.PullAsync(reference, platform, cancellationToken);
        return await _puller.PullAsync(reference, await RootAsync(reference, notice, cancellationToken), platform, cancellationToken);
    }

    /// <summary>The image of a manifest digest that was resolved before.</summary>
    public Task<PulledImage> LoadAsync(ImageReference reference, Digest manifest, Platform platform, CancellationToken cancellationToken) =>
        _puller.PullAsync(reference with { Tag = null, Digest = manifest }, platform, cancellationToken);

    /// <summary>Where the layers are that an image built here did not need to fetch.</summary>
    public ImmutableArray<BlobOrigin> OriginsOf(ImageReference reference) => names.Find(reference with { Digest = null })?.Origins ?? [];

    private async Task<Descriptor> RootAsync(ImageReference reference, Action<string>? notice, CancellationToken cancellationToken)
    {
        NamedImage? known = names.Find(reference) is { } found && content.Find(found.Root.Digest) is not null ? found : null;
        if (known is { Local: true } && !pull) return known.Root;
        try
        {
            Descriptor root = await registry.ResolveAsync(reference, cancellationToken);
            names.Set(reference, root, local: false);
            return root;
        }
        catch (KimgException error) when (error.Code is ErrorCode.RegistryUnreachable or ErrorCode.TooManyRequests && known is not null && !pull)
        {
            notice?.Invoke($"{error.Message}; using '{reference.Familiar}' as last seen: {known.Root.Digest}");
            return known.Root;
        }
    }
}
