using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Which vertices a cache is about.</summary>
internal static class CacheSelection
{
    /// <summary>Everything at and below the roots, inputs first.</summary>
    public static IReadOnlyList<Vertex> All(IEnumerable<Vertex> roots) => Walk(roots, static vertex => vertex.Inputs);

    /// <summary>Only what leaves its layers in the images.</summary>
    public static IReadOnlyList<Vertex> OfImages(IEnumerable<Vertex> roots) => Walk(roots, static vertex => vertex.Op switch
    {
        MergeOp => vertex.Inputs,
        ExecOp or FileOp => vertex.Inputs[..1],
        _ => [],
    });

    private static List<Vertex> Walk(IEnumerable<Vertex> roots, Func<Vertex, IEnumerable<Vertex>> next)
    {
        var seen = new HashSet<Digest>();
        var found = new List<Vertex>();
        var pending = new Stack<(Vertex Vertex, bool Expanded)>(roots.Reverse().Select(root => (root, false)));
        while (pending.TryPop(out (Vertex Vertex, bool Expanded) at))
        {
            if (at.Expanded) found.Add(at.Vertex);
            else if (seen.Add(at.Vertex.Digest))
            {
                pending.Push((at.Vertex, true));
                foreach (Vertex input in next(at.Vertex).Reverse()) pending.Push((input, false));
            }
        }

        return found;
    }
}
