using System.Buffers;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>One download of one blob, shared by everyone in this process who wants it; other processes wait for its lock. What a broken
/// connection or a killed process leaves is kept and resumed.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "a token source without timer or handle holds nothing to dispose")]
internal sealed class BlobDownload(ContentStore store, Descriptor descriptor, IBlobProvider provider)
{
    private const int BufferSize = 256 * 1024, MaxResumes = 8;
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Lock _lock = new();
    private Action<long>? _progress;
    private int _waiters;
    private bool _givenUp;
    private Task? _running;

    /// <summary>What has come of it so far, for who reads it at the same time.</summary>
    public Arrival Arriving { get; } = new();

    public bool IsOver => _running is { IsCompleted: true } || _givenUp;

    /// <summary>Waits for the download, starting it if need be. When the last waiter is cancelled, so is the download.</summary>
    /// <returns>False when this download was already given up: begin another.</returns>
    public async Task<bool> TryJoinAsync(Action<long>? progress, CancellationToken cancellationToken)
    {
        Task running;
        lock (_lock)
        {
            if (_givenUp) return false;
            _waiters++;
            _progress += progress;
            running = _running ??= RunAsync(_cancellation.Token);
        }

        try
        {
            await running.WaitAsync(cancellationToken);
            return true;
        }
        finally
        {
            bool last;
            lock (_lock)
            {
                _progress -= progress;
                last = --_waiters == 0;
                if (last) _givenUp = true;
            }

            if (last) await _cancellation.CancelAsync();
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await FetchAsync(cancellationToken);
        }
        finally
        {
            Arriving.End();
        }
    }

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        string path = store.Layout.PartialPath(descriptor.Digest);
        using FileLock? file = await LockAsync(path, cancellationToken);
        if (file is null) return;
        long length = RandomAccess.GetLength(file.Handle);
        bool resumed = length > 0;
        if (length > descriptor.Size)
        {
            length = 0;
            Empty(file, path);
        }

        // What an earlier process left may turn out to be bad and be fetched again: nobody reads along.
        if (length == 0) Arriving.Begin(path);
        else Arriving.End();
        using var hash = new ContentHash(descriptor.Digest.Algorithm);
        await HashExistingAsync(file, hash, length, cancellationToken);
        while (true)
        {
            await FetchAsync(file, path, hash, length, cancellationToken);
            Digest actual = hash.Finish();
            if (actual == descriptor.Digest) break;
            if (!resumed)
            {
                Discard(path);
                throw Broken($"has the digest {actual}");
            }

            resumed = false; // what an earlier process left was bad, perhaps; once from the start
            length = 0;
            Empty(file, path);
        }

        store.Publish(descriptor.Digest, descriptor.Size, path, file.Handle);
    }

    /// <summary>The partial file, locked; null when another process has completed the blob meanwhile.</summary>
    private async Task<FileLock?> LockAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            FileLock? file = null;
            try
            {
                using FileLock shared = store.Layout.Share();
                file = FileLock.TryAcquireForWriting(path);
            }
            catch (Exception e) when (StorageFailure.Is(e))
            {
                throw StorageFailure.From(e, path);
            }

            // Looked for again with the lock held: its last holder may have renamed this very file to its name.
            if (store.IsWhole(descriptor))
            {
                file?.Dispose();
                return null;
            }

            if (file is not null) return file;
            if (new FileInfo(path) is { Exists: true, Length: var length }) _progress?.Invoke(length);
            await Task.Delay(s_poll, store.Time, cancellationToken);
        }
    }

    private async Task FetchAsync(FileLock file, string path, ContentHash hash, long offset, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (int resumes = 0; offset < descriptor.Size; resumes++)
            {
                long before = offset;
                Exception? broken = null;
                await using (Stream source = await provider.OpenBlobAsync(descriptor, offset, cancellationToken))
                {
                    while (true)
                    {
                        int read;
                        try
                        {
                            read = await source.ReadAsync(buffer, cancellationToken);
                        }
                        catch (Exception e) when (e is IOException or HttpRequestException)
                        {
                            broken = e;
                            break;
                        }

                        if (read == 0) break;
                        if (offset + read > descriptor.Size)
                        {
                            Discard(path);
                            throw Broken($"is longer than its {descriptor.Size} bytes");
                        }

                        hash.Append(buffer.AsSpan(0, read));
                        Write(file, path, buffer.AsSpan(0, read), offset);
                        offset += read;
                        Arriving.Advance(offset);
                        _progress?.Invoke(offset);
                    }
                }

                if (offset < descriptor.Size && (offset == before || resumes == MaxResumes)) throw CutOff(offset, broken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private KimgException CutOff(long offset, Exception? broken) => broken is null
        ? Broken($"ends after {offset} of {descriptor.Size} bytes")
        : new KimgException(
            ErrorCode.DownloadFailed, $"the download of blob {descriptor.Digest} broke off after {offset} of {descriptor.Size} bytes", broken)
        {
            Hint = "run the command again: it continues where this one stopped",
        };

    private KimgException Broken(string what) => new(ErrorCode.DigestMismatch, $"blob {descriptor.Digest} {what}")
    {
        Hint = "the registry is broken, or something between it and here changes the data",
    };

    private static async Task HashExistingAsync(FileLock file, ContentHash hash, long length, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        for (long offset = 0; offset < length;)
        {
            int read = await RandomAccess.ReadAsync(file.Handle, buffer, offset, cancellationToken);
            if (read == 0) break;
            hash.Append(buffer.AsSpan(0, read));
            offset += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Write(FileLock file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file.Handle, bytes, offset);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            Discard(path); // a full disk needs the space more than the next attempt needs the start
            throw StorageFailure.From(e, path, descriptor.Size);
        }
    }

    private static void Empty(FileLock file, string path)
    {
        try
        {
            RandomAccess.SetLength(file.Handle, 0);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, path);
        }
    }

    // With the store's lock held alone no other process can be between opening this very file and finding it locked.
    private void Discard(string path)
    {
        using FileLock alone = FileLock.Acquire(store.Layout.LockFile, exclusive: true);
        File.Delete(path);
    }
}
