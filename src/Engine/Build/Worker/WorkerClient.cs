using System.Collections.Immutable;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>The front's side of the worker: starts it at the first call and turns calls into requests. A worker that dies fails every call that waits for it.</summary>
/// <param name="start">Starts a worker.</param>
/// <param name="expected">Where the worker's directories will be, as far as it can be told before it runs.</param>
internal sealed class WorkerClient(Func<CancellationToken, Task<WorkerConnection>> start, Func<SnapshotPaths?> expected) : IWorker
{
    private const int OpenAtOnce = 200;
    private readonly SemaphoreSlim _starting = new(1);
    private SnapshotPaths? _paths;
    private bool _pathsKnown;
    private WorkerConnection? _connection;

    public bool HasDirectory(SnapshotKey key)
    {
        if (!_pathsKnown) (_paths, _pathsKnown) = (expected(), true);
        return _paths?.Use(key) == true;
    }

    public async ValueTask<bool> LayersStandAloneAsync(CancellationToken cancellationToken) =>
        (await ConnectAsync(cancellationToken)).StorageDriver != CopySnapshotter.DriverName;

    public Task ApplyAsync(ImmutableArray<SnapshotKey> chain, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken) =>
        WriteAsync(new ApplyCall(chain), writeTar, cancellationToken);

    public Task SaveMountAsync(string tree, long maxSize, Stream output, CancellationToken cancellationToken) =>
        ReadAsync(new SaveMountCall(tree, maxSize), output, cancellationToken);

    public Task LoadMountAsync(StoredMount mount, long maxSize, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken) =>
        WriteAsync(new LoadMountCall(mount.Tree, mount.Mode, mount.Uid, mount.Gid, maxSize), writeTar, cancellationToken);

    private async Task WriteAsync(WorkerCall request, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken)
    {
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe();
        WorkerConnection.Call call;
        using (read) call = worker.Begin(request, [read]);
        using var stream = new FileStream(write, FileAccess.Write, 0);
        try
        {
            await writeTar(stream, cancellationToken);
        }
        catch (Exception e)
        {
            // The worker must not take the end of the pipe for the end of the tar: it learns first that the request is over.
            await worker.CancelAsync(call);
            stream.Dispose();
            WorkerReply reply = await call.Reply;
            if (e is IOException && reply.Fault is { Code: not null }) WorkerConnection.Throw(reply, CancellationToken.None);
            throw;
        }

        stream.Dispose();
        await worker.EndAsync(call, cancellationToken);
    }

    public async Task<StepResult> RunAsync(StepRequest request, StepIo io, CancellationToken cancellationToken)
    {
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        SafeFileHandle? secrets = io.SecretEnv.IsDefaultOrEmpty
            ? null
            : Descriptors.Memory("kimg-env", System.Text.Encoding.UTF8.GetBytes(string.Concat(io.SecretEnv.Select(v => v + "\0"))));
        using (secrets)
        {
            List<SafeFileHandle> descriptors = [io.Stdout, io.Stderr, .. io.Files];
            if (secrets is not null) descriptors.Add(secrets);
            WorkerReply reply = await worker.EndAsync(worker.Begin(new RunCall(request, secrets is not null), descriptors), cancellationToken);
            return reply.Step ?? throw WorkerConnection.Incomplete("run");
        }
    }

    public async Task<LayerIndex> ScanAsync(SnapshotKey key, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        await ReadAsync(new ScanCall(key), bytes, cancellationToken);
        return LayerIndexFile.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)) ?? throw WorkerConnection.Incomplete("scan");
    }

    public Task WriteTarAsync(SnapshotKey key, Stream output, CancellationToken cancellationToken) => ReadAsync(new WriteTarCall(key), output, cancellationToken);

    public async Task<IReadOnlyList<SafeFileHandle>> OpenAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken)
    {
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        var opened = new List<SafeFileHandle>(paths.Count);
        foreach (ImagePath[] part in paths.Chunk(OpenAtOnce))
        {
            using SafeFileHandle list = PathList.Write(part);
            WorkerConnection.Call call = worker.Begin(new OpenCall(key), [list]);
            await worker.EndAsync(call, cancellationToken);
            opened.AddRange(call.Descriptors);
        }

        return opened.Count == paths.Count ? opened : throw WorkerConnection.Incomplete("open");
    }

    public async Task<IReadOnlyList<Digest>> HashAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken)
    {
        if (paths.Count == 0) return [];
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        using SafeFileHandle list = PathList.Write(paths);
        WorkerReply reply = await worker.EndAsync(worker.Begin(new HashCall(key), [list]), cancellationToken);
        return reply.Digests is { IsDefault: false } digests && digests.Length == paths.Count ? digests : throw WorkerConnection.Incomplete("hash");
    }

    public async Task RemoveAsync(IReadOnlyList<SnapshotKey> keys, IReadOnlyList<string> trees, CancellationToken cancellationToken)
    {
        if (keys.Count == 0 && trees.Count == 0) return;
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        await worker.EndAsync(worker.Begin(new RemoveCall([.. keys], [.. trees]), []), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _starting.Dispose();
    }

    private async Task ReadAsync(WorkerCall request, Stream output, CancellationToken cancellationToken)
    {
        WorkerConnection worker = await ConnectAsync(cancellationToken);
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe();
        WorkerConnection.Call call;
        using (write) call = worker.Begin(request, [write]);
        using (var stream = new FileStream(read, FileAccess.Read, 0))
        {
            try
            {
                await stream.CopyToAsync(output, cancellationToken);
            }
            catch (Exception)
            {
                await worker.CancelAsync(call);
                stream.Dispose();
                await call.Reply;
                throw;
            }
        }

        await worker.EndAsync(call, cancellationToken);
    }

    private async Task<WorkerConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        try
        {
            if (_connection is not null) return _connection;
            _connection = await start(cancellationToken);
            if (_paths is not { } paths || Path.GetFileName(paths.Root) == _connection.StorageDriver) return _connection;
            // What was said to be there is not there for this driver. From now on the answers are right; whoever asked has to ask again.
            _pathsKnown = false;
            throw new KimgException(ErrorCode.StoreCorrupt, $"the storage driver is '{_connection.StorageDriver}' now, not '{Path.GetFileName(paths.Root)}' as before")
            {
                Hint = "build again",
            };
        }
        finally
        {
            _starting.Release();
        }
    }
}
