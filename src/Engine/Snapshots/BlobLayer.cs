using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Kimg.Engine.Archive;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>A layer of an image: a blob that is fetched when its bytes are first needed. The index is loaded, or made when the blob is first
/// decompressed; that pass also checks the diff ID. Single files are read from an uncompressed tar kept beside.</summary>
/// <param name="provider">Where the blob is when the store does not have it; null: nowhere.</param>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001",
    Justification = "lives as long as the build; a semaphore without a wait handle holds nothing")]
internal sealed class BlobLayer(Descriptor descriptor, Digest diffId, IBlobProvider? provider, LayerStorage storage) : SnapshotLayer
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentDictionary<int, Digest> _hashes = new();
    private LayerIndex? _index;
    private SafeFileHandle? _tar;

    public override Digest Id => diffId;

    internal Descriptor Descriptor => descriptor;

    /// <summary>The image it belongs to, as a reference it can be fetched by; null: only the store has it.</summary>
    internal string? Source { get; init; }

    internal IBlobProvider? Provider => provider;

    /// <summary>Called with the bytes fetched so far.</summary>
    internal Action<long>? Progress { get; init; }

    /// <summary>Fetches the blob unless it is here.</summary>
    internal override Task FetchAsync(CancellationToken cancellationToken)
    {
        if (provider is not null) return storage.Content.EnsureAsync(descriptor, provider, Progress, cancellationToken);
        return storage.Content.Find(descriptor.Digest) is not null ? Task.CompletedTask
            : throw new KimgException(ErrorCode.StoreCorrupt, $"layer {descriptor.Digest} is not in the store and nowhere else to be had");
    }

    public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken) =>
        _index is { } index ? new(index) : new(LoadIndexAsync(cancellationToken));

    public override async Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        SafeFileHandle tar = await EnsureTarAsync(cancellationToken);
        int position = Position(entry);
        long offset = _index!.OffsetAt(position);
        if (offset >= 0) return new RangeStream(tar, offset, _index[position].Size);
        return entry.Size == 0 ? new MemoryStream([], writable: false) : OpenSparse(tar, entry.Path);
    }

    public override async Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken)
    {
        await EnsureTarAsync(cancellationToken);
        var digests = new Digest[entries.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, digests.Length, parallel, async (i, cancel) =>
        {
            int position = Position(entries[i]);
            if (!_hashes.TryGetValue(position, out digests[i]))
            {
                await using Stream content = await OpenAsync(entries[i], cancel);
                digests[i] = _hashes[position] = Digest.FromSha256(SHA256.HashData(content));
            }
        });
        return digests;
    }

    public override async Task WriteTarAsync(Stream output, CancellationToken cancellationToken)
    {
        await using Stream tar = await OpenTarAsync(cancellationToken);
        await using var hashed = new HashingStream(output, leaveOpen: true);
        await tar.CopyToAsync(hashed, 128 << 10, cancellationToken);
        Verify(hashed.CurrentDigest);
    }

    /// <summary>In the order of the tar, straight from the blob; makes the index in passing.</summary>
    internal override IAsyncEnumerable<LayerItem> ReadAsync(CancellationToken cancellationToken) => ReadAsync(null, cancellationToken);

    private async IAsyncEnumerable<LayerItem> ReadAsync(Stream? copy, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream tar = await OpenTarAsync(cancellationToken);
        await Task.Yield(); // what follows does not wait but computes
        using var hashed = new HashingStream(copy is null ? tar : new TeeStream(tar, copy), leaveOpen: true);
        var reader = new TarReader(hashed);
        var indexer = new LayerIndexer();
        while (reader.ReadNext() is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entry = indexer.Add(entry, reader.ContentOffset);
            yield return new LayerItem(entry, entry is { Type: EntryType.File, Size: > 0 } ? reader.Content : null);
        }

        hashed.CopyTo(Stream.Null); // what follows the archive's end is part of the diff ID too
        Verify(hashed.CurrentDigest);
        if (_index is not null) yield break;
        LayerIndex index = indexer.Finish();
        string indexPath = storage.IndexPath(diffId);
        Directory.CreateDirectory(Path.GetDirectoryName(indexPath)!);
        WholeFile.Write(storage.Ingest, indexPath, LayerIndexFile.Encode(index)); // of two writers one wins, with the same bytes
        _index = index;
    }

    private async Task<LayerIndex> LoadIndexAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _index ??= LoadKnownIndex();
            if (_index is null) await ReadToEndAsync(null, cancellationToken);
            return _index!;
        }
        finally
        {
            _gate.Release();
        }
    }

    private LayerIndex? LoadKnownIndex()
    {
        string path = storage.IndexPath(diffId);
        return LastUse.Find(path) ? LayerIndexFile.TryLoad(path) : null;
    }

    /// <summary>The uncompressed tar, as a file: the blob itself, or one kept beside the index.</summary>
    private async Task<SafeFileHandle> EnsureTarAsync(CancellationToken cancellationToken)
    {
        if (_tar is { } open) return open;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_tar is { } made) return made;
            bool uncompressed = descriptor.Digest == diffId;
            string path = uncompressed ? storage.Content.PathOf(diffId) : storage.TarPath(diffId);
            if (uncompressed) await FetchAsync(cancellationToken);
            else if (!LastUse.Find(path)) await SpoolAsync(path, cancellationToken);
            _index ??= LoadKnownIndex();
            if (_index is null) await ReadToEndAsync(null, cancellationToken);
            return _tar = File.OpenHandle(path);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task SpoolAsync(string path, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using WholeFile whole = WholeFile.Create(storage.Ingest, path);
        await using var file = new FileStream(whole.Handle, FileAccess.Write, 128 << 10);
        await ReadToEndAsync(file, cancellationToken);
        await file.FlushAsync(cancellationToken);
        whole.Commit();
    }

    private async Task ReadToEndAsync(Stream? copy, CancellationToken cancellationToken)
    {
        await foreach (LayerItem _ in ReadAsync(copy, cancellationToken))
        {
        }
    }

    private async Task<Stream> OpenTarAsync(CancellationToken cancellationToken)
    {
        string spool = storage.TarPath(diffId);
        if (descriptor.Digest != diffId && LastUse.Find(spool)) return File.OpenRead(spool);
        if (provider is null) await FetchAsync(cancellationToken);
        Stream blob = provider is null
            ? storage.Content.OpenRead(descriptor.Digest)
            : await storage.Content.OpenFetchedAsync(descriptor, provider, Progress, cancellationToken);
        try
        {
            return await Codec.DecompressAsync(blob, leaveOpen: false, cancellationToken);
        }
        catch
        {
            await blob.DisposeAsync();
            throw;
        }
    }

    private int Position(TarEntry entry) => _index!.Find(entry.Path) is var position and >= 0
        ? position : throw new InvalidOperationException($"'{entry.Path}' is not in layer {diffId}");

    private void Verify(Digest found)
    {
        if (found == diffId) return;
        throw new KimgException(ErrorCode.DigestMismatch, $"layer {descriptor.Digest} unpacks to {found}, but the image says {diffId}")
        {
            Hint = "the image is damaged or was tampered with: pull it from elsewhere or by another digest",
        };
    }

    // A sparse file's bytes are not in one piece in the tar: found again by reading it. Rare.
    private static Stream OpenSparse(SafeFileHandle tar, ImagePath path)
    {
        int last = -1;
        for (int round = 0; round < 2; round++)
        {
            var reader = new TarReader(new BufferedStream(new RangeStream(tar, 0, RandomAccess.GetLength(tar)), 128 << 10));
            var indexer = new LayerIndexer();
            for (int i = 0; reader.ReadNext() is { } entry; i++)
            {
                if (indexer.Add(entry, null).Path == path && round == 0) last = i;
                if (round == 1 && i == last) return reader.Content;
            }
        }

        throw new InvalidOperationException($"'{path}' is not in the tar its index was made from");
    }
}
