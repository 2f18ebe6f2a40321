using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Begins to make the image's layers while later steps still run: what is solved on the way from the base to the target will be in the image.</summary>
internal static class EarlyExport
{
    /// <returns>What to tell of every result; null when no output wants layers.</returns>
    public static Action<Vertex, OpResult>? Of(ImmutableArray<FrontendResult> lowered, BuildRequest request, LayerChain layers)
    {
        OutputSpec[] outputs = [.. ImageExport.OutputsOf(request).Where(o => o.Type is OutputType.Image or OutputType.Oci or OutputType.Docker)];
        if (outputs.Length == 0) return null;
        var forms = new Dictionary<Digest, LayerForm[]>();
        foreach (FrontendResult result in lowered)
        {
            long? epoch = result.SourceDateEpoch ?? request.SourceDateEpoch;
            LayerForm[] wanted = [.. outputs.Select(output => LayerForm.Of(output, epoch)).Distinct()];
            for (Vertex vertex = result.Root; vertex.Op is ExecOp or FileOp or MergeOp; vertex = vertex.Inputs[0]) forms[vertex.Digest] = wanted;
        }

        return (vertex, result) =>
        {
            if (result is not Snapshot { Layers: [.., var top] } || !forms.TryGetValue(vertex.Digest, out LayerForm[]? wanted)) return;
            foreach (LayerForm form in wanted) layers.Begin(top, form);
        };
    }
}
