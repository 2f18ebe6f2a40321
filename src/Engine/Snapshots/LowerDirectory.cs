using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>One directory as the layers below show it, looked up as overlayfs does: the topmost layer that has a name decides, a whiteout ends the
/// search, directories merge down to the first that is opaque or hidden by something else.</summary>
internal sealed class LowerDirectory(IReadOnlyList<SafeFileHandle> layers, bool overlay, bool owned) : IDisposable
{
    /// <summary>Fuse-overlayfs leaves this file in opaque directories. The name is the layer format's own, so no driver takes it for a file.</summary>
    internal const string OpaqueMarker = ".wh..wh..opq";

    internal static LowerDirectory Empty { get; } = new([], false, false);

    /// <summary>The directory of the topmost layer that has it.</summary>
    internal SafeFileHandle Top => layers[0];

    internal bool Find(string name, out FileStat stat, out SafeFileHandle? layer)
    {
        foreach (SafeFileHandle candidate in layers)
        {
            if (!Trees.TryStat(candidate, name, out stat)) continue;
            layer = candidate;
            return !(overlay && stat.IsWhiteout);
        }

        (stat, layer) = (default, null);
        return false;
    }

    /// <summary>A directory in it. Its layers are closed with the result.</summary>
    internal LowerDirectory Enter(string name)
    {
        var found = new List<SafeFileHandle>();
        foreach (SafeFileHandle layer in layers)
        {
            if (Trees.TryOpenDirectory(layer, name) is { } directory)
            {
                found.Add(directory);
                if (overlay && (TreeXattrs.IsOpaque(directory) || Trees.TryStat(directory, OpaqueMarker, out _))) break;
            }
            else if (Trees.TryStat(layer, name, out _))
            {
                break;
            }
        }

        return new LowerDirectory(found, overlay, owned: true);
    }

    /// <summary>All names, sorted.</summary>
    internal List<string> Names()
    {
        var names = new HashSet<string>();
        foreach (SafeFileHandle layer in layers) names.UnionWith(Trees.List(layer));
        names.Remove(OpaqueMarker);
        var visible = new List<string>(names.Count);
        foreach (string name in names)
        {
            if (Find(name, out FileStat stat, out _) && stat.Format != FileStat.Socket) visible.Add(name);
        }

        visible.Sort(PathText.Compare);
        return visible;
    }

    public void Dispose()
    {
        if (!owned) return;
        foreach (SafeFileHandle layer in layers) layer.Dispose();
    }
}
