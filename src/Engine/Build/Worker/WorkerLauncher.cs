using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Starts the worker on the first rung of the isolation ladder that this host allows.</summary>
internal static class WorkerLauncher
{
    private const int MaxMessage = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    internal static WorkerClient Create(WorkerOptions options) =>
        new(cancellationToken => StartAsync(options, new IsolationLadder(options.Without), cancellationToken), () => ExpectedPaths(options));

    // Which driver the worker will choose is not known before it runs; most likely the one it chose the last time.
    private static SnapshotPaths? ExpectedPaths(WorkerOptions options)
    {
        var ladder = new IsolationLadder(options.Without);
        if (ladder.TryChoose(options.Isolation) is not { } mode) return null;
        string owners = ladder.Owners(mode);
        string? driver = options.StorageDriver == "auto" ? SnapshotDriver.Last(Path.Combine(options.StateDirectory, "snapshots", owners)) : options.StorageDriver;
        return driver is null ? null : SnapshotPaths.For(options.StateDirectory, driver, owners);
    }

    /// <exception cref="KimgException">No rung works (<see cref="ErrorCode.NoSandbox"/>), or the one asked for.</exception>
    internal static async Task<WorkerConnection> StartAsync(WorkerOptions options, IsolationLadder ladder, CancellationToken cancellationToken)
    {
        IsolationMode mode = ladder.Choose(options.Isolation);
        var host = new NamespaceHost(options.Binary, ladder.MapPrograms, ladder.Mapping);
        var errors = Descriptors.Memory("kimg-worker", []);
        (SafeFileHandle front, SafeFileHandle back) = LocalSockets.Pair();
        ChildProcess child;
        using (back)
        {
            try
            {
                child = await host.StartAsync(mode, ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], errors, back, "worker");
            }
            catch (SyscallException e)
            {
                front.Dispose();
                throw ladder.Refused(mode, e);
            }
        }

        var connection = new WorkerConnection(new WorkerChannel(front), () => EndAsync(child, errors));
        await connection.GreetAsync(
            new WorkerSettings(
                Path.Combine(options.StateDirectory, "snapshots", ladder.Owners(mode)), Path.Combine(options.StateDirectory, "sandbox"), options.StorageDriver,
                options.StepProgram ?? options.Binary, options.Without),
            cancellationToken);
        return connection;
    }

    // The worker ends by itself when the socket does. Should it hang, it is killed; its steps die with it.
    private static async Task<string> EndAsync(ChildProcess child, SafeFileHandle errors)
    {
        try
        {
            await child.Exited.WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            child.Kill(Processes.SigKill);
            await child.Exited;
        }

        return errors.IsClosed ? "" : Descriptors.ReadBack(errors, MaxMessage).Trim().ReplaceLineEndings(" ");
    }
}
