using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Kimg.Engine.Tests.Ops;

public sealed class DirectoriesTests
{
    [Fact]
    public async Task Layers_are_read_side_by_side_and_each_ends_after_the_one_below_it()
    {
        var gates = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource()).ToArray();
        GatedLayer[] layers = [.. gates.Select((gate, i) => new GatedLayer($"{i}", gate.Task))];
        var worker = new FakeWorker(standAlone: true);
        var snapshot = new Snapshot([.. layers]);

        Task ensured = new Directories(worker).EnsureAsync(snapshot, default);
        await Task.WhenAll(layers.Select(layer => layer.Begun.Task));
        // The highest is read first; it must wait all the same.
        foreach (TaskCompletionSource gate in gates.Reverse()) gate.SetResult();
        await ensured;

        Assert.Equal(snapshot.Chain, worker.Made);
    }

    [Fact]
    public async Task Where_a_directory_holds_those_below_it_they_are_made_in_order_and_fetched_side_by_side()
    {
        var gate = new TaskCompletionSource();
        GatedLayer[] layers = [new("0", gate.Task), new("1", Task.CompletedTask), new("2", Task.CompletedTask)];
        var worker = new FakeWorker(standAlone: false);
        var snapshot = new Snapshot([.. layers]);

        Task ensured = new Directories(worker).EnsureAsync(snapshot, default);
        await Task.WhenAll(layers.Select(layer => layer.Fetched.Task));
        Assert.Equal(1, worker.Begun);
        gate.SetResult();
        await ensured;

        Assert.Equal(snapshot.Chain, worker.Made);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_that_cannot_be_read_fails_all_above_it_and_none_is_made(bool standAlone)
    {
        var broken = new KimgException(ErrorCode.DigestMismatch, "broken");
        GatedLayer[] layers = [.. Enumerable.Range(0, 40).Select(i => new GatedLayer($"{i}", i == 1 ? Task.FromException(broken) : Task.CompletedTask))];
        var worker = new FakeWorker(standAlone);
        var snapshot = new Snapshot([.. layers]);

        Assert.Same(broken, await Assert.ThrowsAsync<KimgException>(() => new Directories(worker).EnsureAsync(snapshot, default)));

        Assert.Equal([snapshot.Chain[0]], worker.Made);
    }

    [Fact]
    public async Task What_two_chains_share_is_made_once()
    {
        SnapshotLayer[] shared = [new GatedLayer("0", Task.CompletedTask), new GatedLayer("1", Task.CompletedTask)];
        var worker = new FakeWorker(standAlone: true);
        var directories = new Directories(worker);

        await Task.WhenAll(
            directories.EnsureAsync(new Snapshot([.. shared, new GatedLayer("a", Task.CompletedTask)]), default),
            directories.EnsureAsync(new Snapshot([.. shared, new GatedLayer("b", Task.CompletedTask)]), default));

        Assert.Equal(4, worker.Begun);
    }

    /// <summary>An empty layer whose reading waits.</summary>
    private sealed class GatedLayer(string name, Task gate) : SnapshotLayer
    {
        public TaskCompletionSource Begun { get; } = new();

        public TaskCompletionSource Fetched { get; } = new();

        public override Digest Id { get; } = Digest.Sha256(name);

        public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken) => new(new LayerIndex([]));

        public override Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task WriteTarAsync(Stream output, CancellationToken cancellationToken) => throw new NotSupportedException();

        internal override Task FetchAsync(CancellationToken cancellationToken)
        {
            Fetched.SetResult();
            return Task.CompletedTask;
        }

        internal override async IAsyncEnumerable<LayerItem> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Begun.SetResult();
            await gate;
            yield break;
        }
    }

    /// <summary>Takes tars, and remembers in what order they ended.</summary>
    private sealed class FakeWorker(bool standAlone) : IWorker
    {
        private readonly ConcurrentQueue<SnapshotKey> _made = new();
        private int _begun;

        public IEnumerable<SnapshotKey> Made => _made;

        public int Begun => _begun;

        public bool HasDirectory(SnapshotKey key) => _made.Contains(key);

        public ValueTask<bool> LayersStandAloneAsync(CancellationToken cancellationToken) => new(standAlone);

        public async Task ApplyAsync(ImmutableArray<SnapshotKey> chain, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _begun);
            await writeTar(new MemoryStream(), cancellationToken);
            _made.Enqueue(chain[^1]);
        }

        public Task<StepResult> RunAsync(StepRequest request, StepIo io, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<LayerIndex> ScanAsync(SnapshotKey key, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task WriteTarAsync(SnapshotKey key, Stream output, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<SafeFileHandle>> OpenAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<Digest>> HashAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task SaveMountAsync(string tree, long maxSize, Stream output, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task LoadMountAsync(StoredMount mount, long maxSize, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task RemoveAsync(IReadOnlyList<SnapshotKey> keys, IReadOnlyList<string> trees, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
