using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>A step from request to kept snapshot: prepares the root and the trees it mounts, runs it, commits or throws away.</summary>
internal sealed class StepRunner(ISnapshotter snapshots, StepSandbox sandbox, WorkerSettings settings)
{
    private const int MinDescriptors = 2;

    // Also what a shell says of its child.
    private const int KilledCode = 128 + Processes.SigKill;

    internal async Task<StepResult> RunAsync(RunCall call, SafeFileHandle[] descriptors, CancellationToken cancellationToken)
    {
        if (descriptors.Length < MinDescriptors) throw new KimgException(ErrorCode.WorkerFailed, "a step needs descriptors for its output");
        StepRequest step = call.Step;
        ActiveSnapshot root = snapshots.Prepare(step.Root);
        var thrownAway = new List<ActiveSnapshot>();
        using var mounted = new FuseMounts(settings.Scratch, settings.Program);
        try
        {
            ImmutableArray<SafeFileHandle> files = [.. descriptors[MinDescriptors..]];
            SandboxSpec spec = new()
            {
                Scratch = Directory.CreateDirectory(Path.Combine(settings.Scratch, "step")).FullName, // what is mounted on it hides what is below
                Root = mounted.Mount(root.Root),
                Mounts = [.. step.Mounts.Select(m => mounted.Mount(Translate(m, thrownAway)))],
                Args = step.Args,
                Env = step.Env,
                SecretEnv = call.SecretEnv ? files.Length - 1 : null,
                WorkingDirectory = step.WorkingDirectory,
                User = step.User,
                Hostname = step.Hostname,
                HostsFile = step.HostsFile,
                ResolvConf = step.ResolvConf,
                IsolatedNetwork = step.Network == NetworkMode.None,
                Insecure = step.Security == SecurityMode.Insecure,
                Limits = [.. step.Ulimits.Select(u => new SandboxLimit(u.Name, u.Soft, u.Hard))],
                ShmSize = step.ShmSize ?? 64 << 20,
                Without = settings.Without,
            };
            long killed = OutOfMemoryCounter.Read();
            ExitStatus status = await RunAsync(spec, step, descriptors, files, cancellationToken);
            mounted.Dispose();
            if (status.Code == 0 && step.Result is { } key) snapshots.Commit(root, key);
            else snapshots.Discard(root);
            return new StepResult(status.Code, status.Signal, OutOfMemory: status.Code == KilledCode && OutOfMemoryCounter.Read() > killed);
        }
        catch
        {
            mounted.Dispose();
            snapshots.Discard(root);
            throw;
        }
        finally
        {
            foreach (ActiveSnapshot active in thrownAway) snapshots.Discard(active);
        }
    }

    // Where a foreign step cannot be run in one way, nothing of it has run yet: the next is tried.
    private async Task<ExitStatus> RunAsync(
        SandboxSpec spec, StepRequest step, SafeFileHandle[] descriptors, ImmutableArray<SafeFileHandle> files, CancellationToken cancellationToken)
    {
        if (step.ForeignArchitecture is not { } architecture) return await sandbox.RunAsync(spec, descriptors[0], descriptors[1], files, cancellationToken);
        KimgException? problem = null;
        foreach (Emulation emulation in Emulation.Ways(architecture, step.Emulator, settings.Without))
        {
            if (emulation.Way == EmulationWay.FirstProgram) Descriptors.WriteAll(descriptors[1], Note(problem));
            try
            {
                return await sandbox.RunAsync(spec with { Emulation = emulation }, descriptors[0], descriptors[1], files, cancellationToken);
            }
            catch (KimgException e) when (e.Code == ErrorCode.ForeignArchitecture)
            {
                problem = e;
            }
        }

        throw problem ?? Emulation.Impossible(architecture);
    }

    private static byte[] Note(KimgException? problem) => System.Text.Encoding.UTF8.GetBytes(
        $"kimg: only the step's first program is emulated ({problem?.Message.ReplaceLineEndings(" ") ?? "binfmt_misc is of no use here"}); programs that it starts itself may not run\n");

    private SandboxMount Translate(StepMount mount, List<ActiveSnapshot> thrownAway)
    {
        switch (mount)
        {
            case TreeMount { ReadOnly: true } tree:
                return new SourceMount(tree.Target, snapshots.View(tree.Chain), tree.Source, ReadOnly: true);
            case TreeMount tree:
                thrownAway.Add(snapshots.Prepare(tree.Chain));
                return new SourceMount(tree.Target, thrownAway[^1].Root, tree.Source, ReadOnly: false);
            case HostMount host:
                if (!host.IsSocket) CacheDirectories.Ensure(host, snapshots, settings);
                return new SourceMount(host.Target, new BindSource(host.Path, host.ReadOnly), "", host.ReadOnly);
            case EmptyMount empty:
                return new SourceMount(empty.Target, new TmpfsSource(empty.Size), "", ReadOnly: false);
            case FileMount file:
                return new DescriptorMount(file.Target, file.Descriptor, file.Mode, file.Uid, file.Gid);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
