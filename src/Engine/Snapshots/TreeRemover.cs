using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>Removes trees of any depth and whatever modes their directories have, following nothing.</summary>
internal static class TreeRemover
{
    // Descriptors and stack held at once; what is deeper is moved up first.
    private const int MaxDepth = 200;

    /// <summary>Removes a directory of this machine with everything in it; nothing there is fine.</summary>
    internal static void Remove(string path)
    {
        if (!Directory.Exists(path)) return;
        if (!NativeCode.IsUsable)
        {
            PortableDirectory.Remove(path);
            return;
        }

        using SafeFileHandle parent = Trees.OpenRoot(Path.GetDirectoryName(path)!);
        Remove(parent, Path.GetFileName(path));
    }

    /// <summary>Removes a name and what is below it; nothing there is fine.</summary>
    internal static void Remove(SafeFileHandle parent, string name)
    {
        switch (Trees.Unlink(parent, name, directory: false))
        {
            case 0 or Errno.ENOENT: return;
            case Errno.EISDIR or Errno.EPERM: break;
            case var errno: throw new SyscallException("unlinkat", errno, name);
        }

        using (SafeFileHandle directory = Open(parent, name))
        {
            int moved = 0;
            while (!Empty(directory, directory, 0, ref moved))
            {
            }
        }

        if (Trees.Unlink(parent, name, directory: true) is not (0 or Errno.ENOENT) and var error) throw new SyscallException("unlinkat", error, name);
    }

    // False when something was moved to the top and is left to do.
    private static bool Empty(SafeFileHandle top, SafeFileHandle directory, int depth, ref int moved)
    {
        bool done = true;
        foreach (string name in Trees.List(directory))
        {
            int error = Trees.Unlink(directory, name, directory: false);
            if (error is 0 or Errno.ENOENT) continue;
            if (error is not (Errno.EISDIR or Errno.EPERM)) throw new SyscallException("unlinkat", error, name);
            if (depth == MaxDepth)
            {
                Trees.Rename(directory, name, top, $".deep-{Guid.NewGuid():N}-{moved++}");
                done = false;
                continue;
            }

            using (SafeFileHandle child = Open(directory, name)) done &= Empty(top, child, depth + 1, ref moved);
            error = Trees.Unlink(directory, name, directory: true);
            if (error is not (0 or Errno.ENOENT)) throw new SyscallException("unlinkat", error, name);
        }

        return done;
    }

    // A directory without permissions still belongs to us.
    private static SafeFileHandle Open(SafeFileHandle parent, string name)
    {
        try
        {
            SafeFileHandle directory = Trees.OpenDirectory(parent, name);
            if ((Trees.Stat(directory).Mode & 0x1C0) != 0x1C0) Trees.ChangeMode(directory, 0x1C0);
            return directory;
        }
        catch (SyscallException e) when (e.Errno == Errno.EACCES)
        {
            // Known to be a directory: unlinking it said so.
            Trees.ChangeMode(parent, name, 0x1C0);
            return Trees.OpenDirectory(parent, name);
        }
    }
}
