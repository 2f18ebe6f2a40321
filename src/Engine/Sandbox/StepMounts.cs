using System.Globalization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>/etc/hosts, /etc/resolv.conf and the step's own mounts.</summary>
/// <param name="root">The step's root.</param>
/// <param name="files">A directory of the scratch tmpfs.</param>
/// <param name="descriptors">What <see cref="DescriptorMount"/> counts.</param>
/// <param name="stubs">Receives what had to be made.</param>
internal sealed class StepMounts(SafeFileHandle root, string files, FeatureMask without, IReadOnlyList<SafeFileHandle> descriptors, List<string> stubs)
{
    private const MountFlags Restricted = MountFlags.NoSuid | MountFlags.NoExec | MountFlags.NoDevices;
    private const int ReadableByAll = 0b110_100_100;
    private const int MaxFileSize = 64 << 20;
    private int _count;

    /// <summary>Shows a text as a read-only file.</summary>
    internal void MountText(string target, string text)
    {
        string file = NextFile(System.Text.Encoding.UTF8.GetBytes(text), ReadableByAll, 0, 0);
        Bind(file, target, isFile: true, Restricted | MountFlags.ReadOnly);
    }

    internal void Mount(SandboxMount mount)
    {
        switch (mount)
        {
            case DescriptorMount file:
                byte[] content = Descriptors.ReadAll(descriptors[file.Descriptor], MaxFileSize);
                Bind(NextFile(content, file.Mode, file.Uid, file.Gid), file.Target, isFile: true, Restricted | MountFlags.ReadOnly);
                break;
            case SourceMount { Source: TmpfsSource } tmpfs:
                MountPoints.At(root, tmpfs.Target, file: false, stubs, point => RootFileSystem.Mount(tmpfs.Source, point, without));
                break;
            case SourceMount source:
                MountSource(source);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private void MountSource(SourceMount mount)
    {
        string staging = Directory.CreateDirectory(Path.Combine(files, "mount" + Next())).FullName;
        string source = staging;
        if (mount.Source is BindSource { Path: var path })
        {
            source = path;
        }
        else RootFileSystem.Mount(mount.Source, staging, without);

        SafeFileHandle found;
        try
        {
            if (!Directory.Exists(source))
            {
                Bind(source, mount.Target, isFile: true, mount.ReadOnly ? MountFlags.ReadOnly : MountFlags.None);
                return;
            }

            using SafeFileHandle sourceRoot = RootedPaths.OpenRoot(source);
            found = RootedPaths.Resolve(sourceRoot, mount.Path);
        }
        catch (SyscallException e) when (e.Call == "open")
        {
            throw new KimgException(ErrorCode.FileNotFoundInContext, $"cannot mount '{mount.Path}' at '{mount.Target}': {SyscallException.Describe(e.Errno)}")
            {
                Hint = "the source of a bind mount is a path in the context, stage or image named by from=",
            };
        }

        using (found)
            Bind(RootedPaths.PathOf(found), mount.Target, !FileStatus.Of(found).IsDirectory, mount.ReadOnly ? MountFlags.ReadOnly : MountFlags.None);
    }

    private void Bind(string source, string target, bool isFile, MountFlags flags)
    {
        MountPoints.At(root, target, isFile, stubs, point => Mounts.Bind(source, point, recursive: true));
        MountPoints.SetFlags(root, target, flags);
    }

    private string NextFile(ReadOnlySpan<byte> content, int mode, uint uid, uint gid)
    {
        string path = Path.Combine(files, "file" + Next());
        using (FileStream file = File.Create(path)) file.Write(content);
        FileOwner.Set(path, uid, gid);
        FileOwner.SetMode(path, (uint)mode);
        return path;
    }

    private string Next() => (_count++).ToString(CultureInfo.InvariantCulture);
}
