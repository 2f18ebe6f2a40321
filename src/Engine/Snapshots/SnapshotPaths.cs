using Kimg.Engine.Content;

namespace Kimg.Engine.Snapshots;

/// <summary>Where one driver's directories are: <c>&lt;root&gt;/&lt;hex&gt;/fs</c> with the layer's index beside it. A root belongs to one driver and one way of
/// writing owners, because a directory made under one id map is wrong under another. The layout can be read without being inside the map.</summary>
internal sealed record SnapshotPaths(string Root)
{
    /// <param name="owners">How owners are written: <c>real</c>, <c>recorded</c>, or a name of the id map.</param>
    internal static SnapshotPaths For(string stateDirectory, string driver, string owners) =>
        new(Path.Combine(stateDirectory, "snapshots", owners, driver));

    /// <summary>True when it is whole, as far as a look from outside tells.</summary>
    internal bool Exists(SnapshotKey key) => File.Exists(IndexOf(key)) && Directory.Exists(TreeOf(key));

    /// <summary><see cref="Exists"/>, for whoever is going to use it. The index carries the time: nothing in a step sees it, other than the tree's own.</summary>
    internal bool Use(SnapshotKey key)
    {
        var index = new FileInfo(IndexOf(key));
        if (!index.Exists || !Directory.Exists(TreeOf(key))) return false;
        LastUse.Mark(index);
        return true;
    }

    internal string DirectoryOf(SnapshotKey key) => Path.Combine(Root, key.Digest.Hex);

    internal string TreeOf(SnapshotKey key) => Path.Combine(DirectoryOf(key), "fs");

    internal string IndexOf(SnapshotKey key) => IndexIn(DirectoryOf(key));

    internal static string IndexIn(string directory) => Path.Combine(directory, "index");
}
