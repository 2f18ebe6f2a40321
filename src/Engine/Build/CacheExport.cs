using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Build;

/// <summary>What was solved → the caches it is exported to. Layers that another export of this build has made are taken as they are.</summary>
internal sealed class CacheExport(
    BuildServices services, BuildRequest request, LayerChain layers, SnapshotCache cache, Solver<OpResult> solver, TravellingMounts mounts,
    EventStream events, CancellationToken cancellationToken)
{
    /// <summary>Writes every cache that has a place of its own; inline ones are part of their images.</summary>
    /// <param name="image">The image that was exported; null: none.</param>
    public async Task RunAsync(ImmutableArray<PlatformBuild> built, ExportedImage? image)
    {
        foreach (CacheDestination destination in request.CacheTo.Where(destination => destination.Location is not InlineCache))
        {
            ICacheStore store = CacheStores.Open(services, request, destination.Location);
            try
            {
                await events.RunAsync($"exporting cache to {store.Name}", async item =>
                {
                    await WriteAsync(store, destination, built, image, item);
                    return true;
                }, e => IsTolerated(destination, e));
            }
            catch (Exception e) when (IsTolerated(destination, e))
            {
                ImportedCaches.Warn(events, "A cache could not be exported", e);
            }
        }
    }

    private static bool IsTolerated(CacheDestination destination, Exception error) => destination.IgnoreError && ImportedCaches.IsFailure(error);

    /// <summary>The document for the inside of a platform's image.</summary>
    public async Task<byte[]> InlineAsync(PlatformBuild build, ImmutableArray<ChainLayer> chain, LayerForm form)
    {
        var builder = new CacheBuilder();
        for (int i = 0; i < chain.Length; i++) builder.Add(build.Root.Layers[i], IsOfBase(build.Root.Layers[i]) ? null : chain[i], form);
        foreach (SolvedVertex<OpResult> vertex in await solver.KnownAsync(CacheSelection.OfImages([build.Frontend.Root])))
        {
            if (vertex.Result is Snapshot result && result.Layers.All(layer => build.Root.Layers.Any(l => l.Id == layer.Id)))
                builder.Add(result, cache.KeysOf(vertex.Keys, result));
        }

        return CacheArtifact.Encode(builder.ToDocument(null));
    }

    private async Task WriteAsync(ICacheStore store, CacheDestination destination, ImmutableArray<PlatformBuild> built, ExportedImage? image, WorkItem item)
    {
        // Before any layer is made for it.
        if (destination.Location is UnavailableCache unavailable) throw unavailable.Reason;
        var builder = new CacheBuilder();
        IEnumerable<Vertex> roots = built.Select(build => build.Frontend.Root);
        IReadOnlyList<SolvedVertex<OpResult>> known =
            await solver.KnownAsync(destination.AllSteps ? CacheSelection.All(roots) : CacheSelection.OfImages(roots));
        (ImmutableArray<Digest> Keys, Snapshot Snapshot)[] results =
            [.. known.Select(vertex => (vertex.Keys, Snapshot: vertex.Result as Snapshot)).Where(result => result.Snapshot is not null)!];
        SnapshotLayer[] wanted = [.. results.SelectMany(result => result.Snapshot.Layers).DistinctBy(layer => layer.Id)];
        item.Say($"preparing {wanted.Count(layer => !IsOfBase(layer))} layers of {results.Length} steps");
        ImmutableDictionary<Digest, LayerForm> imageForms = ImageForms(built);
        var made = new ConcurrentDictionary<Digest, ChainLayer>();
        // Not one after another; how many are really made at once is the chain's business.
        var parallel = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = 16 };
        await Parallel.ForEachAsync(wanted.Where(layer => !IsOfBase(layer)), parallel, async (layer, _) =>
            made[layer.Id] = await layers.CreateAsync(layer, FormOf(layer, destination, imageForms)));
        foreach (SnapshotLayer layer in wanted) builder.Add(layer, made.GetValueOrDefault(layer.Id), FormOf(layer, destination, imageForms));
        foreach ((ImmutableArray<Digest> keys, Snapshot result) in results) builder.Add(result, cache.KeysOf(keys, result));

        await mounts.AddToAsync(builder, destination, CacheSelection.All(roots), item, cancellationToken);
        CacheArtifact artifact = CacheArtifact.Create(builder.ToDocument(events.Now), builder.Blobs, destination.ImageManifest, destination.OciMediaTypes);
        item.Say($"writing cache manifest {artifact.Root.Descriptor.Digest}");
        var upload = new CacheUpload
        {
            Blobs = builder.Provider(services.Content),
            MountFrom = (registry, digest) => MountSources(builder, image, registry, digest),
            Progress = (blob, bytes) => item.Report($"writing layer {blob.Digest}", bytes, blob.Size),
        };
        await store.WriteAsync(artifact, upload, cancellationToken);
    }

    // An imported blob stays what it is. A layer that the image has in a form of its own is not made in a second one, unless that is asked for.
    private LayerForm FormOf(SnapshotLayer layer, CacheDestination destination, ImmutableDictionary<Digest, LayerForm> imageForms)
    {
        if (destination.Compression is { } compression) return new LayerForm(compression, destination.CompressionLevel, false, true, null);
        if (layer is ImportedSnapshotLayer imported && LayerForm.TryParse(imported.Form, imported.Epoch) is { } kept) return kept;
        if (imageForms.GetValueOrDefault(layer.Id) is { } form) return form;
        return new LayerForm(CacheDestination.UsualCompression(destination.OciMediaTypes), destination.CompressionLevel, false, true, null);
    }

    private ImmutableDictionary<Digest, LayerForm> ImageForms(ImmutableArray<PlatformBuild> built)
    {
        var forms = ImmutableDictionary.CreateBuilder<Digest, LayerForm>();
        OutputSpec? output = ImageExport.OutputsOf(request).FirstOrDefault(o => o.Type is OutputType.Image or OutputType.Oci or OutputType.Docker);
        if (output is null) return forms.ToImmutable();
        foreach (SnapshotLayer layer in built.SelectMany(build => build.Root.Layers)) forms[layer.Id] = LayerForm.Of(output, null) with { Force = false, Oci = true };
        return forms.ToImmutable();
    }

    private static bool IsOfBase(SnapshotLayer layer) => layer is BlobLayer { Source: not null };

    private static IEnumerable<string> MountSources(CacheBuilder builder, ExportedImage? image, string registry, Digest digest)
    {
        if (builder.Elsewhere.GetValueOrDefault(digest).Source is { } source && ImageReference.TryParse(source, out ImageReference? from) && from!.Registry == registry)
            yield return from.Repository;
        if (image is null || !image.Images.Any(i => i.Manifest.Layers.Any(layer => layer.Digest == digest))) yield break;
        foreach (ImageReference name in image.References.Where(name => name.Registry == registry)) yield return name.Repository;
    }
}
