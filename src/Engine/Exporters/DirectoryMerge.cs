using Kimg.Engine.Native;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Exporters;

/// <summary>Moves a tree into another by renames, on one file system. Only real directories are entered.</summary>
internal static class DirectoryMerge
{
    private const int OwnerAll = 0x1C0;

    internal static void MoveChildren(SafeFileHandle from, SafeFileHandle to)
    {
        foreach (string name in Trees.List(from))
        {
            if (!Trees.TryStat(from, name, out FileStat moved)) continue;
            bool taken = Trees.TryStat(to, name, out FileStat old);
            if (moved.IsDirectory && taken && old.IsDirectory) MergeDirectory(from, to, name, moved);
            else
            {
                if (taken && (old.IsDirectory || moved.IsDirectory)) TreeRemover.Remove(to, name);
                // A directory that its owner may not write to may not change its parent either.
                if (moved.IsDirectory) Trees.ChangeMode(from, name, moved.Mode | OwnerAll);
                Trees.Rename(from, name, to, name);
                if (moved.IsDirectory) Restore(to, name, moved);
            }
        }
    }

    private static void MergeDirectory(SafeFileHandle from, SafeFileHandle to, string name, FileStat moved)
    {
        Trees.ChangeMode(from, name, moved.Mode | OwnerAll);
        using (SafeFileHandle source = Trees.OpenDirectory(from, name), target = Trees.OpenDirectory(to, name))
        {
            Trees.ChangeMode(target, moved.Mode | OwnerAll);
            MoveChildren(source, target);
        }

        Restore(to, name, moved);
        TreeRemover.Remove(from, name);
    }

    private static void Restore(SafeFileHandle parent, string name, FileStat stat)
    {
        using SafeFileHandle directory = Trees.OpenDirectory(parent, name);
        Trees.ChangeMode(directory, stat.Mode);
        Trees.SetModified(directory, stat.ModifiedSeconds, stat.ModifiedNanoseconds);
    }
}
