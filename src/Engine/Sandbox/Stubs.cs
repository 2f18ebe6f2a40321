using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>The mount points a step needed and its image did not have. They are made before it and removed after it, so that its layer has neither them
/// nor their parents' changed times; what the step put there itself stays (BuildKit's executor/stubs.go does the same, without restoring times
/// of parents that only the stubs changed).</summary>
internal static class Stubs
{
    /// <summary>Resolves a mount point below the root, making what is missing and noting it.</summary>
    internal static SafeFileHandle Make(SafeFileHandle root, string path, bool file, List<Stub>? stubs)
    {
        RootedPaths.Missing missing = file ? RootedPaths.Missing.MakeFile : RootedPaths.Missing.MakeDirectory;
        FileTime before = default;
        return RootedPaths.Resolve(root, path, missing, entry => stubs?.Add(new Stub(entry, before, ParentTime(root, entry))), Executable,
            creating: entry => before = ParentTime(root, entry));
    }

    /// <summary>Removes, innermost first, those that are still empty.</summary>
    internal static void Remove(SafeFileHandle root, IReadOnlyList<Stub> stubs)
    {
        foreach (Stub stub in stubs.Reverse())
        {
            (string parentPath, string name) = Split(stub.Path);
            SafeFileHandle parent;
            try
            {
                parent = RootedPaths.Resolve(root, parentPath);
            }
            catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
            {
                continue; // the step removed or replaced it
            }

            using (parent)
            {
                if (FileStatus.In(parent, name) is not { } status || (status.IsRegular && status.Size > 0)) continue;
                if (!status.IsRegular && !status.IsDirectory) continue;
                FileStatus now = FileStatus.Of(parent);
                if (!RootedPaths.TryRemove(parent, name, status.IsDirectory)) continue;
                FileStatus.SetTimes(RootedPaths.PathOf(parent), now.Accessed, now.Modified == stub.After ? stub.Before : now.Modified);
            }
        }
    }

    private static FileTime ParentTime(SafeFileHandle root, string path)
    {
        using SafeFileHandle parent = RootedPaths.Resolve(root, Split(path).Parent);
        return FileStatus.Of(parent).Modified;
    }

    private static (string Parent, string Name) Split(string path)
    {
        int slash = path.LastIndexOf('/');
        return (path[..slash], path[(slash + 1)..]);
    }

    private const uint Executable = 0b111_101_101;
}
