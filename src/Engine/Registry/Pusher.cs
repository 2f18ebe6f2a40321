using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Pushes an image or index: blobs first, then manifests from the leaves up, the tags last. Whatever interrupts it, no tag ever
/// points to something incomplete.</summary>
internal sealed class Pusher(RegistryClient client)
{
    private const int MaxDocuments = 1000;

    /// <exception cref="KimgException">AccessDenied, DigestMismatch, RegistryUnreachable, …</exception>
    public async Task PushAsync(PushRequest request, CancellationToken cancellationToken)
    {
        ImageReference repository = request.Names[0];
        if (request.Names.Any(n => n.Name != repository.Name))
            throw new KimgException(ErrorCode.InvalidArgument, $"'{repository.Name}' and other repositories in one push");
        // Leaves before what refers to them.
        var documents = new List<ManifestDocument>();
        await CollectAsync(request.Source, request.Root, documents, cancellationToken);
        ManifestDocument root = documents[^1];
        ImageReference byDigest = repository with { Tag = null, Digest = root.Descriptor.Digest };
        bool complete = !request.LookFirst && await client.FindAsync(byDigest, cancellationToken) is not null;
        if (complete) Report(request, documents);
        ImageReference[] tagged = [.. request.Names.Where(n => n.Tag is not null)];
        await SettleAsync(request, complete, async (push, send) =>
        {
            if (send) await PushContentsAsync(push, repository, documents, cancellationToken);
            await push.Allowed;
            if (tagged.Length == 0 && send) await client.PutManifestAsync(byDigest, root, cancellationToken);
            foreach (ImageReference name in tagged) await client.PutManifestAsync(name, root, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Pushes a document whose references are all blobs, whatever it calls them: a cache.</summary>
    /// <param name="blobs">What it refers to.</param>
    public async Task PushFlatAsync(PushRequest request, ManifestDocument root, ImmutableArray<Descriptor> blobs, CancellationToken cancellationToken)
    {
        ImageReference name = request.Names[0];
        if (await client.FindAsync(name, cancellationToken) is { } found && found.Digest == root.Descriptor.Digest) return;
        await SettleAsync(request, complete: false, async (push, _) =>
        {
            await PushBlobsAsync(push, name, [.. blobs.DistinctBy(b => b.Digest)], cancellationToken);
            await client.PutManifestAsync(name, root, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>What was seen or sent a moment ago may be gone for the registry when the manifest comes: another push writes the same blob (distribution
    /// reads a link that is half written), its collection ran, another replica answers. So it is looked for again, and sent again when it is not there.</summary>
    /// <param name="push">With what to push, and whether contents have to be sent.</param>
    private async Task SettleAsync(PushRequest request, bool complete, Func<PushRequest, bool, Task> push, CancellationToken cancellationToken)
    {
        PushRequest next = request;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await push(next, !complete);
                return;
            }
            catch (KimgException e) when (e.Code == ErrorCode.ContentMissing && attempt < client.Options.Attempts)
            {
                await client.Transport.PauseAsync(attempt, cancellationToken);
                complete = false;
                next = request with { LookFirst = true };
            }
        }
    }

    private async Task PushContentsAsync(
        PushRequest request, ImageReference repository, List<ManifestDocument> documents, CancellationToken cancellationToken)
    {
        Descriptor[] blobs = [.. documents.Where(d => d.Manifest is not null).SelectMany(d => d.References).Where(IsDistributable).DistinctBy(b => b.Digest)];
        await PushBlobsAsync(request, repository, blobs, cancellationToken);
        await request.Allowed;
        foreach (ManifestDocument document in documents.SkipLast(1))
            await client.PutManifestAsync(repository with { Tag = null, Digest = document.Descriptor.Digest }, document, cancellationToken);
    }

    private Task PushBlobsAsync(PushRequest request, ImageReference repository, Descriptor[] blobs, CancellationToken cancellationToken)
    {
        var uploads = new BlobUploads(client, repository);
        // What may have to be sent goes first: it takes the most round trips.
        return Parallel.ForEachAsync(
            [.. blobs.Where(blob => !request.MountFrom.ContainsKey(blob.Digest)), .. blobs.Where(blob => request.MountFrom.ContainsKey(blob.Digest))],
            new ParallelOptions { MaxDegreeOfParallelism = client.Options.ParallelTransfers, CancellationToken = cancellationToken },
            async (blob, token) => await PushBlobAsync(request, uploads, blob, token));
    }

    private static async Task PushBlobAsync(PushRequest request, BlobUploads uploads, Descriptor blob, CancellationToken cancellationToken)
    {
        bool found = (request.LookFirst && await uploads.ExistsAsync(blob, cancellationToken))
            || await TryMountAsync(request, uploads, blob, cancellationToken) || (!request.LookFirst && await uploads.ExistsAsync(blob, cancellationToken));
        if (!found)
        {
            await uploads.UploadAsync(
                blob,
                token => request.Source.OpenBlobAsync(blob, 0, token),
                // What was sent is there only when the registry says so.
                request.Progress is { } progress ? bytes => progress(blob, Math.Min(bytes, blob.Size - 1)) : null,
                cancellationToken);
        }

        request.Progress?.Invoke(blob, blob.Size);
    }

    // Unless it was looked for, the mount is tried without asking first: it is one request either way, and a mounted blob that was there is no harm.
    private static async Task<bool> TryMountAsync(PushRequest request, BlobUploads uploads, Descriptor blob, CancellationToken cancellationToken)
    {
        foreach (string repository in request.MountFrom.GetValueOrDefault(blob.Digest, ImmutableArray<string>.Empty))
        {
            if (await uploads.TryMountAsync(blob, repository, cancellationToken)) return true;
        }

        return false;
    }

    private static async Task CollectAsync(
        IBlobProvider source, Descriptor descriptor, List<ManifestDocument> documents, CancellationToken cancellationToken)
    {
        if (documents.Any(d => d.Descriptor.Digest == descriptor.Digest)) return;
        if (documents.Count == MaxDocuments) throw new KimgException(ErrorCode.InvalidManifest, $"more than {MaxDocuments} manifests in one index");
        string what = $"manifest {descriptor.Digest}";
        await using var verified = new VerifiedStream(
            await source.OpenBlobAsync(descriptor, 0, cancellationToken), descriptor.Digest, descriptor.Size);
        byte[] bytes = await BoundedBody.ReadAsync(verified, descriptor.Size, BoundedBody.Manifest, what, cancellationToken);
        ManifestDocument document = ManifestDocument.Parse(bytes, descriptor.Digest, descriptor.MediaType, what);
        if (document.Index is { } index)
        {
            foreach (Descriptor child in index.Manifests) await CollectAsync(source, child, documents, cancellationToken);
        }

        documents.Add(document);
    }

    private static void Report(PushRequest request, List<ManifestDocument> documents)
    {
        if (request.Progress is not { } progress) return;
        foreach (Descriptor blob in documents.Where(d => d.Manifest is not null).SelectMany(d => d.References)) progress(blob, blob.Size);
    }

    private static bool IsDistributable(Descriptor descriptor) => descriptor.Urls is not { Length: > 0 } || !RegistryBlobs.IsForeign(descriptor);
}
