using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Images that were built apart → one index of them. Manifests stay bit for bit what they are; no layer is read.</summary>
internal static class IndexAssembly
{
    private const string AboutName = "vnd.docker.reference.digest";

    /// <param name="existing">What the index begins with; null: nothing.</param>
    public static async Task<OpenedImage> MergeAsync(
        OpenedImage? existing, ImmutableArray<OpenedImage> images, ImmutableArray<Annotation> annotations, CancellationToken cancellationToken)
    {
        List<Descriptor> entries = existing is null ? [] : await EntriesAsync(existing, cancellationToken);
        foreach (OpenedImage image in images)
        {
            foreach (Descriptor entry in await EntriesAsync(image, cancellationToken)) Add(entries, entry, existing);
        }

        bool oci = entries.All(entry => entry.MediaType is MediaTypes.OciManifest or MediaTypes.OciIndex) || !annotations.IsEmpty;
        var index = new ImageIndex
        {
            SchemaVersion = 2,
            MediaType = oci ? MediaTypes.OciIndex : MediaTypes.DockerManifestList,
            Manifests = [.. entries],
            Annotations = existing?.RootDocument.Index?.Annotations,
        };
        return Combine(existing is null ? images : [existing, .. images], Annotate(index, annotations));
    }

    /// <summary>The same index with more annotations.</summary>
    public static OpenedImage Annotate(OpenedImage image, ImmutableArray<Annotation> annotations) => image.RootDocument.Index is { } index
        ? Combine([image], Annotate(index with { MediaType = MediaTypes.OciIndex }, annotations))
        : throw new KimgException(ErrorCode.InvalidArgument, $"'{image.Name}' is one image, not an index") { Hint = "kimg index create makes an index of it" };

    private static ImageIndex Annotate(ImageIndex index, ImmutableArray<Annotation> annotations)
    {
        foreach (Annotation annotation in annotations)
        {
            switch (annotation.Level)
            {
                case "index":
                    index = index with { Annotations = With(index.Annotations, annotation) };
                    break;
                case "manifest-descriptor":
                    Platform[] known = [.. index.Manifests.Select(m => m.Platform?.ToPlatform()).OfType<Platform>()];
                    if (annotation.Platform is { } wanted && !known.Any(wanted.Matches))
                        throw new KimgException(ErrorCode.PlatformNotFound, $"the index has no image for {wanted}") { Hint = "it has " + string.Join(", ", known.Select(p => p.ToString())) };
                    index = index with
                    {
                        Manifests = [.. index.Manifests.Select(entry =>
                            IsFor(entry, annotation.Platform) ? entry with { Annotations = With(entry.Annotations, annotation) } : entry)],
                    };
                    break;
                default:
                    throw new KimgException(ErrorCode.InvalidArgument, $"annotations of level '{annotation.Level}' would change the images themselves")
                    {
                        Hint = "an index takes index:KEY=VALUE and manifest-descriptor[PLATFORM]:KEY=VALUE",
                    };
            }
        }

        return index;
    }

    private static bool IsFor(Descriptor entry, Platform? platform) =>
        entry.Platform?.ToPlatform() is { Os: not "unknown" } has && (platform is null || platform.Matches(has));

    private static ImmutableSortedDictionary<string, string> With(ImmutableSortedDictionary<string, string>? annotations, Annotation annotation) =>
        (annotations ?? ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal)).SetItem(annotation.Key, annotation.Value);

    // Of one image, its descriptor with the platform of its configuration.
    private static async Task<List<Descriptor>> EntriesAsync(OpenedImage image, CancellationToken cancellationToken)
    {
        if (image.RootDocument.Index is { } index) return [.. index.Manifests];
        Descriptor config = image.RootDocument.Manifest!.Config;
        if (config.MediaType is not (MediaTypes.OciConfig or MediaTypes.DockerConfig))
            throw new KimgException(ErrorCode.InvalidManifest, $"'{image.Name}' is no image but '{OneLine.Of(config.MediaType, 100)}'");
        Platform platform = ImageCommands.PlatformOf(await image.ReadConfigAsync(config, cancellationToken), image.Name);
        return [image.RootDocument.Descriptor with { Platform = OciPlatform.From(platform) }];
    }

    private static void Add(List<Descriptor> entries, Descriptor entry, OpenedImage? existing)
    {
        if (entries.Any(e => e.Digest == entry.Digest)) return;
        Descriptor? same = entry.Platform?.ToPlatform() is { Os: not "unknown" } platform
            ? entries.FirstOrDefault(e => e.Platform?.ToPlatform() is { } has && has == platform) : null;
        if (same is not null)
        {
            if (existing?.Documents.Any(d => d.Descriptor.Digest == same.Digest) != true)
            {
                throw new KimgException(ErrorCode.InvalidArgument, $"two images for {entry.Platform!.ToPlatform()}: {same.Digest} and {entry.Digest}")
                {
                    Hint = "an index has one image for each platform: leave one out",
                };
            }

            entries.Remove(same);
            entries.RemoveAll(e => e.Annotations?.GetValueOrDefault(AboutName) == same.Digest.ToString());
        }

        entries.Add(entry);
    }

    private static OpenedImage Combine(ImmutableArray<OpenedImage> images, ImageIndex index)
    {
        byte[] bytes = CanonicalJson.Serialize(index);
        ManifestDocument root = ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, "index");
        HashSet<Digest> wanted = [.. index.Manifests.Select(m => m.Digest)];
        foreach (ManifestDocument document in images.SelectMany(i => i.Documents).Where(d => d.Index is not null && wanted.Contains(d.Descriptor.Digest)))
            wanted.UnionWith(document.Index!.Manifests.Select(m => m.Digest));
        IEnumerable<ManifestDocument> all = images.SelectMany(i => i.Documents).DistinctBy(d => d.Descriptor.Digest);
        ManifestDocument[] documents = [.. all.Where(d => wanted.Contains(d.Descriptor.Digest))];
        IEnumerable<BlobOrigin> origins = images.SelectMany(image => image.Registry is { } registry
            ? image.Contents.Select(blob => new BlobOrigin(blob.Digest, registry.ToString())) : image.Origins);
        return new OpenedImage("index", [.. documents, root], new Parts(images)) { Origins = [.. origins.Distinct()] };
    }

    /// <summary>Each blob from the image that has it.</summary>
    private sealed class Parts(ImmutableArray<OpenedImage> images) : IBlobProvider
    {
        public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
        {
            OpenedImage? owner = images.FirstOrDefault(image => image.Documents.Any(document => Has(document, descriptor.Digest)));
            return (owner ?? images[0]).OpenBlobAsync(descriptor, offset, cancellationToken);
        }

        private static bool Has(ManifestDocument document, Digest digest) => document.Descriptor.Digest == digest || document.References.Any(r => r.Digest == digest);
    }
}
