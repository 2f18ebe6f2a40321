using System.Collections.Immutable;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Image → location. A registry gets a stream of what it does not have; the store and layouts get every blob.</summary>
internal sealed class ImageWriter(BuildServices services, WorkItem item, CancellationToken cancellationToken)
{
    public async Task<Descriptor> WriteAsync(OpenedImage image, ImageLocation destination)
    {
        Descriptor root = image.RootDocument.Descriptor;
        switch (destination)
        {
            case RegistryLocation { Reference: var name }:
                Check(name, root);
                await PushAsync(image, name);
                break;
            case StoreLocation { Reference: var name }:
                Check(name, root);
                await FetchAsync(image);
                services.Names.Set(name, root, local: true);
                break;
            case ArchiveLocation:
                throw new KimgException(ErrorCode.UnsupportedFeature, $"'{destination}' cannot be written: an archive is only read")
                {
                    Hint = "copy to oci-layout://DIRECTORY, or kimg build -o type=oci,dest=FILE",
                };
            case LayoutLocation layout:
                await FetchAsync(image);
                await WriteLayoutAsync(image, layout);
                break;
        }

        return root;
    }

    // A name with a digest can only be given to that very image.
    private static void Check(ImageReference name, Descriptor root)
    {
        if (name.Digest is { } digest && digest != root.Digest)
            throw new KimgException(ErrorCode.DigestMismatch, $"'{name}' cannot be the name of {root.Digest}") { Hint = "leave the digest out of the destination" };
    }

    private Task PushAsync(OpenedImage image, ImageReference name) => new Pusher(services.Registry).PushAsync(
        new PushRequest
        {
            Names = [name],
            Root = image.RootDocument.Descriptor,
            Source = image,
            MountFrom = MountSources(image, name),
            Progress = (blob, bytes) => item.Report($"pushing {blob.Digest}", bytes, blob.Size),
        },
        cancellationToken);

    private static ImmutableDictionary<Digest, ImmutableArray<string>> MountSources(OpenedImage image, ImageReference name)
    {
        var sources = ImmutableDictionary.CreateBuilder<Digest, ImmutableArray<string>>();
        foreach (BlobOrigin origin in image.Origins)
        {
            if (ImageReference.Parse(origin.Image) is var from && from.Registry == name.Registry && from.Repository != name.Repository)
                sources[origin.Blob] = [from.Repository];
        }

        if (image.Registry is { } whole && whole.Registry == name.Registry && whole.Repository != name.Repository)
        {
            foreach (Descriptor blob in image.Contents) sources[blob.Digest] = [whole.Repository];
        }

        return sources.ToImmutable();
    }

    private Task FetchAsync(OpenedImage image) => Parallel.ForEachAsync(
        image.Contents.Concat(image.Documents.Select(d => d.Descriptor)),
        new ParallelOptions { MaxDegreeOfParallelism = services.Registry.Options.ParallelTransfers, CancellationToken = cancellationToken },
        async (blob, token) => await services.Content.EnsureAsync(blob, image, bytes => item.Report($"copying {blob.Digest}", bytes, blob.Size), token));

    private async Task WriteLayoutAsync(OpenedImage image, LayoutLocation layout)
    {
        ImageReference? name = image.Reference is { } known ? known with { Tag = layout.Tag ?? known.Tag, Digest = null } : null;
        Descriptor root = image.RootDocument.Descriptor;
        if (name?.Tag is null && layout.Tag is { } tag)
            root = root with { Annotations = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(LayoutIndex.RefName, tag) };
        var content = new ExportContent
        {
            Root = root,
            Blobs = [.. image.Contents.Select(d => new ExportBlob(d, null)), .. image.Documents.Select(d => new ExportBlob(d.Descriptor, d.Bytes))],
        };
        await new OciLayoutWriter(new BlobSource(services.Content, _ => image)).WriteAsync(content, name?.Tag is null ? [] : [name], layout.Directory, cancellationToken);
    }
}
