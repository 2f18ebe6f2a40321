using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Snapshots;

/// <summary>Each driver over a directory of its own.</summary>
internal sealed class SnapshotDirectories : IDisposable
{
    private readonly TempDirectory _state = new();

    internal SnapshotDirectories()
    {
        Drivers = [new OverlaySnapshotter(Paths(OverlaySnapshotter.KernelDriver)), new CopySnapshotter(Paths(CopySnapshotter.DriverName)),
            new OverlaySnapshotter(Paths(OverlaySnapshotter.FuseDriver), fuse: true)];
        foreach (DirectorySnapshotter driver in Drivers) Directory.CreateDirectory(PathsOf(driver).Root);
    }

    internal DirectorySnapshotter[] Drivers { get; }

    internal SnapshotPaths PathsOf(DirectorySnapshotter driver) => Paths(driver.Driver);

    /// <summary>Unpacks a chain; returns the keys of its prefixes.</summary>
    internal async Task<ImmutableArray<SnapshotKey>> ApplyAsync(DirectorySnapshotter driver, IReadOnlyList<SnapshotLayer> chain)
    {
        for (int i = 0; i < chain.Count; i++) await ApplyAsync(driver, chain[i], [.. chain.Take(i)]);
        return SnapshotKey.Chain(chain.Select(l => l.Id));
    }

    internal static async Task ApplyAsync(DirectorySnapshotter driver, SnapshotLayer layer, SnapshotLayer[] below)
    {
        using var tar = new MemoryStream();
        await LayerNormalizer.WriteAsync(layer, below, Task.CompletedTask, tar, default);
        tar.Position = 0;
        driver.Apply(SnapshotKey.Chain([.. below.Select(l => l.Id), layer.Id]), tar, default);
    }

    public void Dispose()
    {
        // Whiteouts and directories without permissions are in the way of Directory.Delete.
        TreeRemover.Remove(Path.Combine(_state.Path, "snapshots"));
        _state.Dispose();
    }

    private SnapshotPaths Paths(string driver) => SnapshotPaths.For(_state.Path, driver, "real");
}

/// <summary>A layer that is a tar in memory, in its own order.</summary>
internal sealed class TarLayer(byte[] tar) : SnapshotLayer
{
    private readonly LayerIndex _index = LayerIndexer.FromTar(new MemoryStream(tar)).Index;

    public override Digest Id { get; } = Digest.Sha256(tar);

    public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken) => new(_index);

    public override Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        int at = _index.Find(entry.Path);
        return Task.FromResult<Stream>(new MemoryStream(tar, (int)_index.OffsetAt(at), (int)_index[at].Size, writable: false));
    }

    public override Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task WriteTarAsync(Stream output, CancellationToken cancellationToken) => output.WriteAsync(tar, cancellationToken).AsTask();

    internal override async IAsyncEnumerable<LayerItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        var reader = new TarReader(new MemoryStream(tar));
        var indexer = new LayerIndexer();
        while (reader.ReadNext() is { } entry)
            yield return new LayerItem(indexer.Add(entry, null), entry is { Type: EntryType.File, Size: > 0 } ? reader.Content : null);
    }
}
