using System.Collections.Concurrent;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Content;

/// <summary>The store in a directory. One object a build: from its first use until it is disposed it holds a lease, and every blob it has found or
/// written meanwhile is safe from the collector.</summary>
internal sealed class ContentStore : IContentStore, IDisposable
{
    private const long MaxInMemory = 64 << 20;
    private readonly ContentStoreOptions _options;
    private readonly Lazy<Lease> _lease;
    private readonly ConcurrentDictionary<Digest, byte> _used = new();
    private readonly ConcurrentDictionary<Digest, BlobDownload> _downloads = new();

    public ContentStore(string stateDirectory, ContentStoreOptions? options = null)
    {
        _options = options ?? new ContentStoreOptions();
        Layout = new StoreLayout(stateDirectory);
        _lease = new Lazy<Lease>(() => Lease.Begin(Layout, _options.Time));
    }

    internal StoreLayout Layout { get; }

    internal TimeProvider Time => _options.Time;

    public long? Find(Digest digest)
    {
        string path = Layout.BlobPath(digest);
        if (_used.ContainsKey(digest)) return Size(path);
        return Guard(path, () =>
        {
            DateTime now = UsedAt();
            using FileLock shared = Layout.Share();
            if (Size(path) is not { } size) return (long?)null;
            File.SetLastWriteTimeUtc(path, now);
            _used[digest] = 0;
            return size;
        });
    }

    public Stream OpenRead(Digest digest)
    {
        string path = PathOf(digest);
        FileStream file = Guard(path, () => new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0,
        }));
        return new VerifiedStream(file, digest, file.Length, what => Corrupt(digest, what));
    }

    public async Task<ReadOnlyMemory<byte>> ReadAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        if (descriptor.Size > MaxInMemory)
            throw new KimgException(ErrorCode.InvalidManifest, $"blob {descriptor.Digest} with its {descriptor.Size} bytes is too big to be a document");
        string path = PathOf(descriptor.Digest);
        byte[] bytes;
        try
        {
            bytes = await File.ReadAllBytesAsync(path, cancellationToken);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, path);
        }

        Digest actual = ContentHash.Of(bytes, descriptor.Digest);
        if (actual != descriptor.Digest) throw Corrupt(descriptor.Digest, $"has the digest {actual}");
        if (bytes.Length != descriptor.Size)
            throw new KimgException(ErrorCode.DigestMismatch, $"blob {descriptor.Digest} has {bytes.Length} bytes, its descriptor says {descriptor.Size}");
        return bytes;
    }

    public IIngest BeginIngest()
    {
        _ = _lease.Value;
        return Guard(Layout.Ingest, () => new Ingest(this));
    }

    public async Task<Digest> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var digest = Digest.Sha256(bytes.Span);
        if (Find(digest) == bytes.Length) return digest;
        await using IIngest ingest = BeginIngest();
        await ingest.Stream.WriteAsync(bytes, cancellationToken);
        await ingest.CommitAsync(null, cancellationToken);
        return digest;
    }

    public string PathOf(Digest digest) => Find(digest) is not null
        ? Layout.BlobPath(digest)
        : throw new KimgException(ErrorCode.StoreCorrupt, $"blob {digest} is not in the store '{Layout.Root}'")
        {
            Hint = "build again: what is missing is fetched or made again",
        };

    public async Task EnsureAsync(Descriptor descriptor, IBlobProvider provider, Action<long>? progress, CancellationToken cancellationToken)
    {
        while (!IsWhole(descriptor))
        {
            cancellationToken.ThrowIfCancellationRequested();
            _ = _lease.Value;
            BlobDownload download = _downloads.GetOrAdd(descriptor.Digest, _ => new BlobDownload(this, descriptor, provider));
            try
            {
                if (await download.TryJoinAsync(progress, cancellationToken)) break;
            }
            finally
            {
                if (download.IsOver) _downloads.TryRemove(KeyValuePair.Create(descriptor.Digest, download));
            }
        }

        progress?.Invoke(descriptor.Size);
    }

    public async Task<Stream> OpenFetchedAsync(Descriptor descriptor, IBlobProvider provider, Action<long>? progress, CancellationToken cancellationToken)
    {
        var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task fetched = EnsureAsync(descriptor, provider, progress, giveUp.Token);
        if (!fetched.IsCompleted && _downloads.TryGetValue(descriptor.Digest, out BlobDownload? download)
            && await download.Arriving.OpenAsync(fetched) is { } file)
        {
            return new ArrivingStream(file, descriptor.Size, download.Arriving, fetched, giveUp);
        }

        using (giveUp) await fetched;
        return OpenRead(descriptor.Digest);
    }

    /// <summary>Removes a blob if it is here.</summary>
    public void Remove(Digest digest)
    {
        _used.TryRemove(digest, out _);
        string path = Layout.BlobPath(digest);
        Guard(path, () =>
        {
            File.Delete(path);
            return true;
        });
    }

    /// <summary>Gives a complete, checked file its name. The file stays open (and locked) until its writer closes it.</summary>
    internal void Publish(Digest digest, long size, string path, SafeFileHandle file) => Guard(path, () =>
    {
        string target = Layout.BlobPath(digest);
        DateTime now = UsedAt();
        if (Find(digest) == size)
        {
            File.Delete(path); // someone else was first, with the same bytes
            return true;
        }

        if (_options.Durable) RandomAccess.FlushToDisk(file);
        using FileLock shared = Layout.Share();
        File.SetLastWriteTimeUtc(file, now);
        if (digest.Algorithm != "sha256") StoreLayout.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Move(path, target, overwrite: true);
        _used[digest] = 0;
        return true;
    });

    public void Dispose()
    {
        if (_lease.IsValueCreated) _lease.Value.Dispose();
    }

    /// <summary>Whether the blob is here with the size its descriptor says; one of another size under this digest was cut off by a crash, and goes.</summary>
    internal bool IsWhole(Descriptor descriptor)
    {
        if (Find(descriptor.Digest) is not { } size) return false;
        if (size == descriptor.Size) return true;
        using Stream blob = OpenRead(descriptor.Digest);
        try
        {
            blob.CopyTo(Stream.Null);
        }
        catch (KimgException e) when (e.Code == ErrorCode.StoreCorrupt)
        {
            return false; // reading it has removed it
        }

        throw new KimgException(ErrorCode.DigestMismatch, $"blob {descriptor.Digest} has {size} bytes, its descriptor says {descriptor.Size}");
    }

    private static long? Size(string path) => new FileInfo(path) is { Exists: true, Length: var length } ? length : null;

    // A clock that was set back must not make a blob look older than the lease that protects it.
    private DateTime UsedAt() =>
        (Time.GetUtcNow() is var now && now > _lease.Value.Since ? now : _lease.Value.Since).UtcDateTime;

    private KimgException Corrupt(Digest digest, string what)
    {
        Remove(digest);
        return new KimgException(ErrorCode.StoreCorrupt, $"blob {digest} in the store '{Layout.Root}' {what}, and was removed")
        {
            Hint = "build again: the blob is fetched or made again; if this happens often, check the disk",
        };
    }

    private static T Guard<T>(string path, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, path);
        }
    }
}
