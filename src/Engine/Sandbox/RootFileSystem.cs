using System.Globalization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Carries out a <see cref="MountSource"/>.</summary>
internal static class RootFileSystem
{
    private static readonly Lock s_currentDirectory = new();

    /// <summary>Mounts at an existing directory, given by its own path.</summary>
    internal static void Mount(MountSource source, string target, FeatureMask without)
    {
        switch (source)
        {
            case OverlaySource { Upper: null, Lower: [var only] }:
                Mounts.Bind(only, target);
                Mounts.Remount(target, MountFlags.ReadOnly);
                break;
            case OverlaySource overlay:
                MountOverlay(overlay, target, without);
                break;
            case BindSource bind:
                Mounts.Bind(bind.Path, target, recursive: true);
                if (bind.ReadOnly) Mounts.Remount(target, MountFlags.ReadOnly);
                break;
            case TmpfsSource tmpfs:
                string size = tmpfs.Size is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"size={bytes}") : "";
                Mounts.Mount("tmpfs", target, "tmpfs", MountFlags.NoSuid | MountFlags.NoDevices | MountFlags.NoExec, size);
                break;
            default:
                throw new KimgException(ErrorCode.Internal, $"cannot mount {source.GetType().Name} in a step");
        }
    }

    /// <summary>Gives the merged root to look at and change while nothing runs in it. Below <paramref name="scratch"/> a directory is
    /// made to mount on where there are no detached mounts.</summary>
    internal static void Visit(MountSource source, string scratch, FeatureMask without, Action<SafeFileHandle> visit)
    {
        switch (source)
        {
            case BindSource bind:
                using (SafeFileHandle root = RootedPaths.OpenRoot(bind.Path)) visit(root);
                break;
            case OverlaySource overlay when TryOpenOverlay(overlay, without) is { } mount:
                using (mount) visit(mount);
                break;
            default:
                DirectoryInfo target = Directory.CreateDirectory(Path.Combine(scratch, Guid.NewGuid().ToString("N")));
                try
                {
                    Mount(source, target.FullName, without);
                    using (SafeFileHandle root = RootedPaths.OpenRoot(target.FullName)) visit(root);
                    Mounts.Unmount(target.FullName, detach: true);
                }
                finally
                {
                    target.Delete();
                }

                break;
        }
    }

    private static void MountOverlay(OverlaySource overlay, string target, FeatureMask without)
    {
        if (TryOpenOverlay(overlay, without) is { } mount)
        {
            using (mount) Mounts.Attach(mount, target);
        }
        else MountByNames(overlay, target);
    }

    /// <summary>Null where the kernel lacks fsopen (before 5.2) or lowerdir+ (before 6.5), or tests say so.</summary>
    private static SafeFileHandle? TryOpenOverlay(OverlaySource overlay, FeatureMask without)
    {
        if (without.HasFlag(FeatureMask.FsOpen)) return null;
        try
        {
            return Mounts.OpenOverlay([.. overlay.Lower.Reverse()], overlay.Upper, overlay.Work);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENOSYS or Errno.EPERM
            || (e.Errno == Errno.EINVAL && e.Call.StartsWith("fsconfig lowerdir+", StringComparison.Ordinal)))
        {
            return null;
        }
    }

    // The options of mount(2) end at one page, which some 200 absolute paths fill. Symlinks with short names in the current directory take several
    // hundred, and need no escaping of ',', ':' and '\'.
    private static void MountByNames(OverlaySource overlay, string target)
    {
        DirectoryInfo names = Directory.CreateDirectory($"{target}-{Guid.NewGuid():N}");
        lock (s_currentDirectory)
        {
            string before = Directory.GetCurrentDirectory();
            try
            {
                var lower = new List<string>(overlay.Lower.Length);
                for (int i = overlay.Lower.Length - 1; i >= 0; i--)
                {
                    lower.Add(i.ToString("x", CultureInfo.InvariantCulture));
                    File.CreateSymbolicLink(Path.Combine(names.FullName, lower[^1]), overlay.Lower[i]);
                }

                string options = "userxattr,lowerdir=" + string.Join(':', lower);
                if (overlay.Upper is not null)
                {
                    File.CreateSymbolicLink(Path.Combine(names.FullName, "u"), overlay.Upper);
                    File.CreateSymbolicLink(Path.Combine(names.FullName, "w"), overlay.Work!);
                    options += ",upperdir=u,workdir=w";
                }

                Directory.SetCurrentDirectory(names.FullName);
                Mounts.Mount("overlay", target, "overlay", MountFlags.None, options);
            }
            finally
            {
                Directory.SetCurrentDirectory(before);
                names.Delete(recursive: true);
            }
        }
    }
}
