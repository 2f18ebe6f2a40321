using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>FROM an image of an OCI layout: its layers as a chain, read from the layout's directory when they are needed.</summary>
/// <param name="open">The layout of a named context.</param>
/// <param name="progress">Told a layer's digest, bytes so far and size.</param>
internal sealed class OciLayoutRunner(OciLayoutSourceOp op, Func<string, OciLayout> open, ImageLayers images, Action<string, long, long> progress) : IOp<OpResult>
{
    // As for an image of a registry: the manifest says everything.
    public CacheMap<OpResult> CacheMap { get; } = new() { Digest = Digest.Sha256("image " + op.Digest), Policy = CachePolicy.Recomputed };

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        OciLayout layout = open(op.Name);
        LayoutImage image = await layout.ResolveAsync(op.Tag, op.Digest, op.Platform, cancellationToken);
        return new Snapshot(images.OpenAll(image.Manifest.Manifest!, image.Config, op.Name, progress, _ => (layout, null)));
    }
}
