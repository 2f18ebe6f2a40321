using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>The mount points a step needed and its image did not have. They are made before it and removed after it, so that its layer has neither them
/// nor their parents' changed times; what the step put there itself stays. BuildKit's executor/stubs.go does the same but for the times.</summary>
internal static class Stubs
{
    /// <summary>Resolves a mount point below the root, making what is missing and noting its path from the root. Its parent keeps its times, so that
    /// neither the step nor the layer sees a change.</summary>
    internal static SafeFileHandle Make(SafeFileHandle root, string path, bool file, List<string>? stubs)
    {
        FileStatus before = default;
        return RootedPaths.Resolve(
            root,
            path,
            file ? RootedPaths.Missing.MakeFile : RootedPaths.Missing.MakeDirectory,
            creating: entry => AtParent(root, entry, parent => before = FileStatus.Of(parent)),
            created: entry =>
            {
                stubs?.Add(entry);
                AtParent(root, entry, parent => FileStatus.SetTimes(RootedPaths.PathOf(parent), before.Accessed, before.Modified));
            });
    }

    /// <summary>Removes, innermost first, those that are still empty.</summary>
    internal static void Remove(SafeFileHandle root, IReadOnlyList<string> stubs)
    {
        foreach (string stub in stubs.Reverse())
        {
            try
            {
                AtParent(root, stub, parent => RemoveEmpty(parent, stub[(stub.LastIndexOf('/') + 1)..]));
            }
            catch (SyscallException e) when (e.Call == "open" && e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                continue; // the step removed or replaced its parent
            }
        }
    }

    private static void RemoveEmpty(SafeFileHandle parent, string name)
    {
        if (FileStatus.In(parent, name) is not { } status) return;
        if (!status.IsDirectory && !(status.IsRegular && status.Size == 0)) return;
        FileStatus before = FileStatus.Of(parent);
        if (RootedPaths.TryRemove(parent, name, status.IsDirectory)) FileStatus.SetTimes(RootedPaths.PathOf(parent), before.Accessed, before.Modified);
    }

    private static void AtParent(SafeFileHandle root, string entry, Action<SafeFileHandle> act)
    {
        using SafeFileHandle parent = RootedPaths.Resolve(root, entry[..entry.LastIndexOf('/')]);
        act(parent);
    }
}
