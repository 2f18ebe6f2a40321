using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>A tag of a registry.</summary>
internal sealed class RegistryCacheStore(RegistryClient registry, ImageReference reference) : ICacheStore
{
    public string Name => reference.Familiar;

    public IBlobProvider Blobs => registry.BlobsOf(reference);

    public string? Source => reference.ToString();

    public async Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken) =>
        await registry.FindAsync(reference, cancellationToken) is { } root ? await registry.GetManifestAsync(reference, root, cancellationToken) : null;

    public Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken)
    {
        var mountFrom = ImmutableDictionary.CreateBuilder<Digest, ImmutableArray<string>>();
        foreach (Descriptor blob in artifact.Blobs)
        {
            ImmutableArray<string> repositories = [.. upload.MountFrom(reference.Registry, blob.Digest).Where(r => r != reference.Repository).Distinct()];
            if (!repositories.IsEmpty) mountFrom[blob.Digest] = repositories;
        }

        var request = new PushRequest
        {
            Names = [reference],
            Root = artifact.Root.Descriptor,
            Source = artifact.With(upload.Blobs),
            MountFrom = mountFrom.ToImmutable(),
            Progress = upload.Progress,
        };
        return new Pusher(registry).PushFlatAsync(request, artifact.Root, [.. artifact.Blobs, artifact.ConfigDescriptor], cancellationToken);
    }
}
