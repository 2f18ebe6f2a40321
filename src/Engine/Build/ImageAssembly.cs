using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Solved platforms → an image, or an index when several were asked for.</summary>
internal static class ImageAssembly
{
    public static async Task<ExportedImage> AssembleAsync(
        LayerChain chain, CacheExport caches, ImmutableArray<PlatformBuild> built, OutputSpec output, BuildRequest request, ImmutableArray<ImageReference> names)
    {
        var images = ImmutableArray.CreateBuilder<AssembledImage>(built.Length);
        var baseLayers = new Dictionary<Digest, BaseLayer>();
        ImmutableArray<Annotation> annotations = [.. request.Annotations, .. output.Annotations];
        foreach (PlatformBuild build in built)
        {
            long? epoch = build.Frontend.SourceDateEpoch ?? request.SourceDateEpoch;
            LayerForm form = LayerForm.Of(output, epoch);
            ImmutableArray<ChainLayer> layers = await chain.CreateAsync(build.Root, form);
            foreach (ChainLayer layer in layers)
            {
                if (layer.Base is { } found) baseLayers[layer.Descriptor.Digest] = new BaseLayer(found.Provider, found.Source);
            }

            images.Add(ImageAssembler.Assemble(
                build.Frontend.Config,
                [.. layers.Select(l => new ExportLayer(l.Descriptor, l.DiffId, null, l.Created is { } made ? (Timestamp)made : null))],
                new AssembleOptions
                {
                    OciMediaTypes = output.OciMediaTypes,
                    SourceDateEpoch = epoch,
                    Base = build.Frontend.BaseImage?.Config,
                    InlineCache = request.CacheTo.Any(cache => cache.Location is InlineCache) ? await caches.InlineAsync(build, layers, form) : null,
                    ManifestAnnotations = Select(annotations, "manifest", build.Platform),
                    DescriptorAnnotations = Select(annotations, "manifest-descriptor", build.Platform),
                }));
        }

        bool single = !FrontendMapping.IsMultiPlatform(request, images.Count);
        return new ExportedImage
        {
            Images = images.ToImmutable(),
            Content = single
                ? images[0].ToContent()
                : ImageAssembler.Index(images, output.OciMediaTypes, Select(annotations, "index", null), Select(annotations, "index-descriptor", null)),
            References = names,
            BaseLayers = baseLayers.ToImmutableDictionary(),
        };
    }

    private static ImmutableSortedDictionary<string, string>? Select(ImmutableArray<Annotation> annotations, string level, Platform? platform)
    {
        var selected = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (Annotation annotation in annotations)
        {
            if (annotation.Level == level && (annotation.Platform is null || (platform is not null && annotation.Platform.Matches(platform))))
                selected[annotation.Key] = annotation.Value;
        }

        return selected.Count == 0 ? null : selected.ToImmutable();
    }
}
