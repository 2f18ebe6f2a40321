using System.Diagnostics;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>A blob being written to a file that only its writer knows; <see cref="ContentStore.Publish"/> gives it its name.</summary>
internal sealed class Ingest : IIngest
{
    private readonly ContentStore _store;
    private readonly string _path;
    private readonly FileLock _file;
    private readonly IngestStream _stream;
    private bool _finished;

    public Ingest(ContentStore store)
    {
        _store = store;
        _path = Path.Combine(store.Layout.Ingest, "x-" + Guid.NewGuid().ToString("n"));
        // Nobody sweeps while the store's lock is shared.
        using (store.Layout.Share()) _file = FileLock.TryCreate(_path) ?? throw new UnreachableException();
        _stream = new IngestStream(_file.Handle, _path);
    }

    public Stream Stream => _stream;

    public Task<(Digest Digest, long Size)> CommitAsync(Descriptor? expected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_finished, this);
        (Digest digest, long size) = _stream.Finish();
        if (expected is not null)
        {
            if (size != expected.Size) throw Mismatch(expected, $"has {size} bytes instead of {expected.Size}");
            if (expected.Digest.Algorithm != digest.Algorithm) digest = _stream.Rehash(expected.Digest.Algorithm);
            if (digest != expected.Digest) throw Mismatch(expected, $"has the digest {digest}");
        }

        _store.Publish(digest, size, _path, _file.Handle);
        _finished = true;
        return Task.FromResult((digest, size));
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        _stream.Release();
        if (!_finished) File.Delete(_path);
        _finished = true;
        return ValueTask.CompletedTask;
    }

    private static KimgException Mismatch(Descriptor expected, string what) =>
        new(ErrorCode.DigestMismatch, $"blob {expected.Digest} {what}") { Hint = "the sender is broken, or something in between changes the data" };
}
