using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>A child and the thread that started it. The child's death signal (PR_SET_PDEATHSIG) is tied to that thread, not to the process, so the thread waits
/// until the child ends and is never one of the pool.</summary>
internal sealed class ChildProcess
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _reaped;

    private ChildProcess(int id) => Id = id;

    internal int Id { get; }

    /// <summary>Completes after the child was reaped.</summary>
    internal Task<ExitStatus> Exited => _exited.Task;

    /// <summary>Starts a program; see <see cref="Processes.Spawn"/>.</summary>
    internal static Task<ChildProcess> StartAsync(
        string program, IReadOnlyList<string> args, IReadOnlyList<string> environment, IReadOnlyList<SafeFileHandle?> descriptors)
    {
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Run(program, args, environment, descriptors, started), 256 * 1024) { IsBackground = true, Name = "child" };
        thread.Start();
        return started.Task;
    }

    internal void Kill(int signal)
    {
        lock (_gate)
            if (!_reaped) Processes.Kill(Id, signal);
    }

    private static void Run(
        string program,
        IReadOnlyList<string> args,
        IReadOnlyList<string> environment,
        IReadOnlyList<SafeFileHandle?> descriptors,
        TaskCompletionSource<ChildProcess> started)
    {
        ChildProcess child;
        try
        {
            child = new ChildProcess(Processes.Spawn(program, args, environment, descriptors));
        }
        catch (SyscallException e)
        {
            started.SetException(e);
            return;
        }

        started.SetResult(child);
        try
        {
            Processes.WaitUnreaped(child.Id);
            lock (child._gate)
            {
                ExitStatus status = Processes.Wait(child.Id);
                child._reaped = true;
                child._exited.SetResult(status);
            }
        }
        catch (SyscallException e)
        {
            child._exited.SetException(e);
        }
    }
}
