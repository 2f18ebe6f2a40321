using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>The worker's side: answers requests, each on a thread of its own because all of them block in the kernel, until the front is gone; then everything that still
/// runs is killed.</summary>
/// <param name="open">Makes the snapshotter of a driver over a directory.</param>
internal sealed class WorkerServer(WorkerChannel channel, Func<string, string, ISnapshotter> open) : IDisposable
{
    private readonly ConcurrentDictionary<long, CancellationTokenSource> _running = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly CountdownEvent _open = new(1);
    private ISnapshotter? _snapshots;
    private StepRunner? _steps;
    private WorkerSettings? _settings;
    private FileLock? _alive;

    /// <summary>Returns when the front has closed its end and nothing runs any more.</summary>
    /// <exception cref="KimgException">The front sent nonsense.</exception>
    internal void Serve()
    {
        try
        {
            while (channel.Receive(WorkerJson.Default.WorkerRequest) is ({ } request, var descriptors)) Begin(request, descriptors);
        }
        finally
        {
            _gone.Cancel();
            _open.Signal();
            _open.Wait();
        }
    }

    public void Dispose()
    {
        _gone.Dispose();
        _open.Dispose();
        _alive?.Dispose();
    }

    private void Begin(WorkerRequest request, SafeFileHandle[] descriptors)
    {
        if (request.Call is CancelCall cancel)
        {
            if (_running.TryGetValue(cancel.Request, out CancellationTokenSource? other)) other.Cancel();
            Reply(new WorkerReply(request.Id));
            return;
        }

        var source = CancellationTokenSource.CreateLinkedTokenSource(_gone.Token);
        _running[request.Id] = source;
        _open.AddCount();
        var thread = new Thread(() => Handle(request, descriptors, source), 512 * 1024) { IsBackground = true, Name = "request" };
        thread.Start();
    }

    private void Handle(WorkerRequest request, SafeFileHandle[] descriptors, CancellationTokenSource source)
    {
        WorkerReply reply;
        IReadOnlyList<SafeFileHandle> results = [];
        try
        {
            (reply, results) = Answer(request, descriptors, source.Token);
        }
        catch (OperationCanceledException)
        {
            reply = new WorkerReply(request.Id) { Fault = new WorkerFault(null, "cancelled", null, null) };
        }
        catch (Exception e)
        {
            // The bridge between processes: whatever happened becomes a reply, or the front would wait for ever.
            reply = new WorkerReply(request.Id) { Fault = FaultOf(e) };
        }

        // Closed before the reply: the other side may rely on seeing its pipes end.
        foreach (SafeFileHandle descriptor in descriptors) descriptor.Dispose();
        _running.TryRemove(request.Id, out _);
        Reply(reply, results);
        foreach (SafeFileHandle result in results) result.Dispose();
        source.Dispose();
        _open.Signal();
    }

    private (WorkerReply Reply, IReadOnlyList<SafeFileHandle> Descriptors) Answer(
        WorkerRequest request, SafeFileHandle[] descriptors, CancellationToken cancellationToken)
    {
        var done = new WorkerReply(request.Id);
        switch (request.Call)
        {
            case HelloCall hello:
                return (done with { StorageDriver = Greet(hello) }, []);
            case ApplyCall apply:
                using (var tar = new FileStream(descriptors[0], FileAccess.Read, 0)) Snapshots.Apply(apply.Chain, tar, cancellationToken);
                return (done, []);
            case RunCall run:
                return (done with { Step = Steps.RunAsync(run, descriptors, cancellationToken).GetAwaiter().GetResult() }, []);
            case ScanCall scan:
                Descriptors.WriteAll(descriptors[0], LayerIndexFile.Encode(Snapshots.Scan(scan.Key)));
                return (done, []);
            case WriteTarCall write:
                using (var output = new FileStream(descriptors[0], FileAccess.Write, 0)) Snapshots.WriteTar(write.Key, output, cancellationToken);
                return (done, []);
            case OpenCall open:
                return (done, [.. PathList.Read(descriptors[0]).Select(path => Snapshots.Open(open.Key, path))]);
            case HashCall hash:
                return (done with { Digests = Hash(hash.Key, PathList.Read(descriptors[0]), cancellationToken) }, []);
            case ExamineCall:
                return (done with { Findings = HostProbe.InsideFindings(Settings.Snapshots, Settings.Scratch, Settings.Without) }, []);
            case SaveMountCall save:
                using (var output = new FileStream(descriptors[0], FileAccess.Write, 0)) MountArchives.Save(State, save.Tree, save.MaxSize, output, cancellationToken);
                return (done, []);
            case LoadMountCall load:
                using (var tar = new FileStream(descriptors[0], FileAccess.Read, 0)) MountArchives.Load(load, State, tar, cancellationToken);
                return (done, []);
            case RemoveCall remove:
                foreach (SnapshotKey key in remove.Keys) Snapshots.Remove(key);
                foreach (string tree in remove.Trees) TreeRemoval.Remove(State, tree);
                return (done, []);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private ISnapshotter Snapshots => _snapshots ?? throw NotGreeted();

    private StepRunner Steps => _steps ?? throw NotGreeted();

    private WorkerSettings Settings => _settings ?? throw NotGreeted();

    private string State => Path.GetDirectoryName(Settings.Scratch)!;

    private static KimgException NotGreeted() => new(ErrorCode.WorkerFailed, "the worker was not told what it works on");

    private string Greet(HelloCall hello)
    {
        if (hello.Version != WorkerChannel.Version)
            throw new KimgException(ErrorCode.WorkerFailed, $"the worker speaks version {WorkerChannel.Version}, not {hello.Version}") { Hint = "use one kimg for both" };
        WorkerSettings settings = hello.Settings;
        Directory.CreateDirectory(settings.Snapshots);
        Directory.CreateDirectory(settings.Scratch);
        _alive = SnapshotSweep.Run(settings.Snapshots, settings.Scratch);
        string driver = settings.StorageDriver == "auto" ? StorageProbe.Choose(settings.Snapshots, settings.Scratch, settings.Without) : settings.StorageDriver;
        _snapshots = open(driver, settings.Snapshots);
        if (settings.StorageDriver == "auto") SnapshotDriver.Remember(settings.Snapshots, driver);
        _settings = settings;
        _steps = new StepRunner(_snapshots, new StepSandbox(settings.Program), settings);
        return driver;
    }

    private ImmutableArray<Digest> Hash(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken)
    {
        var digests = new Digest[paths.Count];
        var options = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, paths.Count, options, i =>
        {
            using var file = new FileStream(Snapshots.Open(key, paths[i]), FileAccess.Read, 0);
            digests[i] = Digest.FromSha256(SHA256.HashData(file));
        });
        return ImmutableArray.Create(digests);
    }

    private static WorkerFault FaultOf(Exception error) => error switch
    {
        AggregateException { InnerException: { } inner } => FaultOf(inner),
        KimgException e => new WorkerFault(e.Code, e.Message, e.Hint, e.StepExitCode),
        SyscallException { Errno: Errno.ENOSPC or Errno.EDQUOT } or IOException { HResult: Errno.ENOSPC } =>
            new WorkerFault(ErrorCode.DiskFull, error.Message, "free space in the state directory: kimg prune", null),
        UnauthorizedAccessException or SyscallException { Errno: Errno.EACCES or Errno.EPERM } =>
            new WorkerFault(ErrorCode.StoragePermission, error.Message, "kimg doctor shows what this host allows", null),
        IOException => new WorkerFault(ErrorCode.StorageFailed, error.Message, null, null),
        _ => new WorkerFault(ErrorCode.WorkerFailed, $"{error.GetType().Name}: {error.Message}", null, null),
    };

    private void Reply(WorkerReply reply, IReadOnlyList<SafeFileHandle>? descriptors = null)
    {
        try
        {
            channel.Send(reply, WorkerJson.Default.WorkerReply, descriptors ?? []);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            _gone.Cancel(); // nobody is left to hear it
        }
    }
}
