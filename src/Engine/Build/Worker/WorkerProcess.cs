using System.Globalization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>What runs in the processes that kimg starts of itself.</summary>
public static class WorkerProcess
{
    /// <summary>The hidden verb of <see cref="Follow"/>.</summary>
    public const string FollowVerb = "follow";

    private const int Failed = 125;

    /// <summary>The worker: serves the socket it inherited until the front closes it.</summary>
    public static int Serve(TextWriter errors)
    {
        try
        {
            Credentials.BecomeSubreaper();
            Credentials.BecomeUndumpable();
            _ = HostSettings.SetFileCreationMask(0b000_010_010);
            OwnMounts.Begin();
            using var channel = new WorkerChannel(new SafeFileHandle(NamespaceHost.FirstDescriptor, ownsHandle: true));
            using var server = new WorkerServer(channel, Snapshots.Snapshotters.Open);
            server.Serve();
            return 0;
        }
        catch (Exception e) when (e is KimgException or IOException)
        {
            errors.WriteLine(e.Message);
            return Failed;
        }
    }

    /// <summary>Becomes a program that dies with its parent.</summary>
    public static int Follow(string parent, string[] command, TextWriter errors)
    {
        Credentials.DieWithParent();
        if (Processes.ParentId.ToString(CultureInfo.InvariantCulture) != parent) return Failed; // it died before that was said
        errors.WriteLine(Processes.Execute(command[0], command, ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]).Message);
        return Failed;
    }

    /// <summary>A step's first process. Returns only when the step could not be started.</summary>
    public static int StartStep(string descriptors) => SandboxInit.Run(int.Parse(descriptors, CultureInfo.InvariantCulture));
}
