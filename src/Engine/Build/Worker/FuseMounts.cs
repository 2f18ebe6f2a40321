using System.Diagnostics;
using System.Globalization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>The mounts of one step that a fuse-overlayfs process serves. They are made in the worker's own mount namespace: inside the step's, the serving
/// process would be one of the step's processes. To the sandbox they are plain directories.</summary>
/// <param name="kimg">The static binary: a serving process is started through it, so that it dies with the worker.</param>
internal sealed class FuseMounts(string scratch, string kimg) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly List<(string Target, ChildProcess Server)> _mounted = [];

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
        ulong before = DeviceOf(target);
        string parent = Processes.Id.ToString(CultureInfo.InvariantCulture);
        ChildProcess server = ChildProcess.StartAsync(
            kimg, [kimg, WorkerProcess.FollowVerb, parent, program, "-f", "-o", options, target], ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            [null, errors, errors]).GetAwaiter().GetResult();
        var watch = Stopwatch.StartNew();
        while (DeviceOf(target) == before)
        {
            if (server.Exited.Wait(1) || watch.Elapsed > s_patience)
            {
                server.Kill(Processes.SigKill);
                Directory.Delete(target);
                throw new KimgException(ErrorCode.SandboxFailed, $"fuse-overlayfs failed: {Descriptors.ReadBack(errors, 1024).Trim().ReplaceLineEndings(" ")}");
            }
        }

        _mounted.Add((target, server));
        return new BindSource(target, ReadOnly: fuse.Upper is null);
    }

    public void Dispose()
    {
        foreach ((string target, ChildProcess server) in _mounted)
        {
            Mounts.Unmount(target, detach: true);
            Directory.Delete(target);
            // It ends when the last that used the mount is gone, and is waited for: nobody else would.
            if (!server.Exited.Wait(s_patience)) server.Kill(Processes.SigKill);
        }

        _mounted.Clear();
    }

    // A mount has another device than what it covers.
    private static ulong DeviceOf(string directory)
    {
        using SafeFileHandle opened = Trees.OpenRoot(directory);
        return Trees.Stat(opened).Device;
    }
}
