using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Removes trees of the state directory that mapped ids own. Whatever the front asks for, nothing outside of the folders for such trees goes.</summary>
internal static class TreeRemoval
{
    private static readonly string[] s_folders = ["snapshots", "mounts", "sandbox"];

    /// <param name="state">The state directory.</param>
    /// <param name="tree">Absolute. Nothing there is fine.</param>
    /// <exception cref="KimgException">It is not below one of the folders, or a symlink is on the way (<see cref="ErrorCode.StoragePermission"/>).</exception>
    internal static void Remove(string state, string tree)
    {
        string[] parts = Path.GetRelativePath(state, tree).Split(Path.DirectorySeparatorChar);
        if (!Path.IsPathRooted(tree) || parts.Length < 2 || !s_folders.Contains(parts[0])) throw Refused(tree);
        SafeFileHandle parent = Trees.OpenRoot(state);
        try
        {
            foreach (string part in parts[..^1])
            {
                if (!Trees.TryStat(parent, part, out FileStat found)) return;
                if (!found.IsDirectory) throw Refused(tree);
                SafeFileHandle next = Trees.OpenDirectory(parent, part);
                parent.Dispose();
                parent = next;
            }

            TreeRemover.Remove(parent, parts[^1]);
        }
        finally
        {
            parent.Dispose();
        }
    }

    private static KimgException Refused(string tree) =>
        new(ErrorCode.StoragePermission, $"'{tree}' is no tree of the state directory that may be removed") { Hint = "use one kimg for one state directory" };
}
