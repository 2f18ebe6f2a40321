using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>FROM an image: its layers as a chain. Nothing is pulled yet.</summary>
/// <param name="progress">Told a layer's digest, bytes so far and size, when it is.</param>
internal sealed class ImageRunner(ImageSourceOp op, ImageResolver resolver, ImageLayers images, Action<string, long, long> progress) : IOp<OpResult>
{
    // The platform's manifest says everything; under which name it was found does not matter.
    public CacheMap<OpResult> CacheMap { get; } = new() { Digest = Digest.Sha256("image " + op.Digest), Policy = CachePolicy.Recomputed };

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        ImageReference name = ImageReference.Parse(op.Reference);
        return new Snapshot(images.OpenAll(await resolver.LoadAsync(name, op.Digest, op.Platform, cancellationToken), resolver.OriginsOf(name), progress));
    }
}
