using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Engine.Build.Worker;

/// <summary>The mounts of one step that a fuse-overlayfs process serves. They are made in the worker's own mount namespace: inside the step's, the serving
/// process would be one of the step's processes. To the sandbox they are plain directories.</summary>
internal sealed class FuseMounts(string scratch) : IDisposable
{
    private readonly List<string> _mounted = [];

    internal SandboxMount Mount(SandboxMount mount) =>
        mount is SourceMount source ? source with { Source = Mount(source.Source) } : mount;

    internal MountSource Mount(MountSource source)
    {
        if (source is not FuseOverlaySource fuse) return source;
        string program = StorageProbe.FuseOverlayProgram ?? throw new KimgException(ErrorCode.ProgramMissing, "fuse-overlayfs is not installed")
        {
            Hint = "install the package fuse-overlayfs, or use --storage-driver native",
        };
        string target = Directory.CreateDirectory(Path.Combine(scratch, "fuse-" + Guid.NewGuid().ToString("N"))).FullName;
        string options = "lowerdir=" + string.Join(':', fuse.Lower.Reverse());
        if (fuse.Upper is not null) options += $",upperdir={fuse.Upper},workdir={fuse.Work}";
        using var errors = Descriptors.Memory("kimg-fuse", []);
        int pid = Processes.Spawn(program, [program, "-o", options, target], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], [null, errors, errors]);
        if (Processes.Wait(pid).Code != 0)
        {
            Directory.Delete(target);
            throw new KimgException(ErrorCode.SandboxFailed, $"fuse-overlayfs failed: {Descriptors.ReadBack(errors, 1024).Trim().ReplaceLineEndings(" ")}");
        }

        _mounted.Add(target);
        return new BindSource(target, ReadOnly: fuse.Upper is null);
    }

    public void Dispose()
    {
        foreach (string target in _mounted)
        {
            Mounts.Unmount(target, detach: true);
            Directory.Delete(target);
        }

        _mounted.Clear();
    }
}
