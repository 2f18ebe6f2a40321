using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Location → image.</summary>
internal sealed class ImageOpener(RegistryClient registry, IContentStore content, ImageNames names)
{
    private const int MaxDocuments = 1000;

    public async Task<OpenedImage> OpenAsync(ImageLocation location, CancellationToken cancellationToken)
    {
        switch (location)
        {
            case RegistryLocation { Reference: var name }:
                Descriptor resolved = await registry.ResolveAsync(name, cancellationToken);
                return await ReadAsync(location, resolved, registry.BlobsOf(name), cancellationToken) with { Reference = name, Registry = name };
            case StoreLocation { Reference: var name }:
                NamedImage image = FindInStore(name);
                var blobs = new StoreBlobs(content, registry, image.Origins);
                return await ReadAsync(location, image.Root, blobs, cancellationToken) with { Reference = name, Origins = image.Origins };
            case LayoutLocation layout:
                return await OpenAsync(location, new OciLayout(layout.Directory), layout.Tag, cancellationToken);
            case ArchiveLocation archive:
                return await OpenAsync(location, new OciLayout(OciArchive.Open(archive.File)), archive.Tag, cancellationToken);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public async Task<Descriptor> ResolveAsync(ImageLocation location, CancellationToken cancellationToken) => location switch
    {
        RegistryLocation { Reference: var name } => await registry.ResolveAsync(name, cancellationToken),
        StoreLocation { Reference: var name } => FindInStore(name).Root,
        LayoutLocation layout => (await new OciLayout(layout.Directory).RootAsync(layout.Tag, null, cancellationToken)).Descriptor,
        ArchiveLocation archive => (await new OciLayout(OciArchive.Open(archive.File)).RootAsync(archive.Tag, null, cancellationToken)).Descriptor,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static async Task<OpenedImage> OpenAsync(ImageLocation location, OciLayout source, string? tag, CancellationToken cancellationToken) =>
        await ReadAsync(location, (await source.RootAsync(tag, null, cancellationToken)).Descriptor, source, cancellationToken);

    /// <exception cref="KimgException">ImageNotFound.</exception>
    public NamedImage FindInStore(ImageReference name)
    {
        NamedImage? found = name.Digest is { } digest
            ? names.All().FirstOrDefault(image => image.Root.Digest == digest && ImageReference.Parse(image.Name).Name == name.Name)
            : names.Find(name);
        return found is { Local: true } ? found : throw new KimgException(ErrorCode.ImageNotFound, $"no image '{name.Familiar}' in the store")
        {
            Hint = $"build it with -t {name.Familiar}, or kimg pull {name.Familiar}",
        };
    }

    private static async Task<OpenedImage> ReadAsync(ImageLocation location, Descriptor root, IBlobProvider blobs, CancellationToken cancellationToken)
    {
        var documents = new List<ManifestDocument>();
        await CollectAsync(root);
        return new OpenedImage(location.ToString()!, [.. documents], blobs);

        async Task CollectAsync(Descriptor descriptor)
        {
            if (documents.Any(d => d.Descriptor.Digest == descriptor.Digest)) return;
            if (documents.Count == MaxDocuments) throw new KimgException(ErrorCode.InvalidManifest, $"more than {MaxDocuments} manifests in '{location}'");
            string what = $"manifest {descriptor.Digest} of '{location}'";
            await using var verified = new VerifiedStream(await blobs.OpenBlobAsync(descriptor, 0, cancellationToken), descriptor.Digest, descriptor.Size);
            byte[] bytes = await BoundedBody.ReadAsync(verified, descriptor.Size, BoundedBody.Manifest, what, cancellationToken);
            ManifestDocument document = ManifestDocument.Parse(bytes, descriptor.Digest, descriptor.MediaType, what);
            foreach (Descriptor child in document.Index?.Manifests ?? []) await CollectAsync(child);
            documents.Add(document);
        }
    }

    /// <summary>Blobs of the store; base layers that were never needed here from the registry that has them.</summary>
    private sealed class StoreBlobs(IContentStore content, RegistryClient registry, ImmutableArray<BlobOrigin> origins) : IBlobProvider
    {
        public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
        {
            if (content.Find(descriptor.Digest) is null && origins.FirstOrDefault(o => o.Blob == descriptor.Digest) is { } origin)
                return registry.BlobsOf(ImageReference.Parse(origin.Image)).OpenBlobAsync(descriptor, offset, cancellationToken);
            Stream stream = content.OpenRead(descriptor.Digest);
            if (offset > 0) stream.Seek(offset, SeekOrigin.Begin);
            return Task.FromResult(stream);
        }
    }
}
