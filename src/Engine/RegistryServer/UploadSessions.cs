using System.Collections.Concurrent;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>Uploads in progress. They live as long as the server; nothing of them is visible before they are finished.</summary>
internal sealed class UploadSessions(ContentStore content, TimeProvider time) : IAsyncDisposable
{
    private const int MaxSessions = 4096;
    private static readonly TimeSpan s_forgotten = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<string, Upload> _uploads = new(StringComparer.Ordinal);

    public async Task<Upload> BeginAsync(string repository)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Upload old in _uploads.Values)
            if (now - old.LastUsed > s_forgotten && old.TryEnter()) await EndAsync(old);
        if (_uploads.Count >= MaxSessions) throw new RequestFault(429, "TOOMANYREQUESTS", "too many uploads in progress");
        var upload = new Upload(Guid.NewGuid().ToString(), repository, content.BeginIngest()) { LastUsed = now };
        _uploads[upload.Id] = upload;
        return upload;
    }

    /// <exception cref="RequestFault">404 when there is none in this repository; 409 while another request feeds it.</exception>
    public Upload Enter(string repository, string id)
    {
        if (!_uploads.TryGetValue(id, out Upload? upload) || upload.Repository != repository)
            throw RequestFault.NotFound("BLOB_UPLOAD_UNKNOWN", "no such upload");
        if (!upload.TryEnter()) throw new RequestFault(409, "BLOB_UPLOAD_INVALID", "another request is feeding this upload");
        upload.LastUsed = time.GetUtcNow();
        return upload;
    }

    public async Task EndAsync(Upload upload)
    {
        _uploads.TryRemove(upload.Id, out _);
        await upload.Ingest.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Upload upload in _uploads.Values) await EndAsync(upload);
    }
}

internal sealed record Upload(string Id, string Repository, IIngest Ingest)
{
    private int _busy;

    public DateTimeOffset LastUsed { get; set; }

    public long Length => Ingest.Stream.Length;

    public bool TryEnter() => Interlocked.Exchange(ref _busy, 1) == 0;

    public void Leave() => Volatile.Write(ref _busy, 0);

    /// <exception cref="RequestFault">400 when the bytes are not what was announced.</exception>
    public async Task CommitAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            await Ingest.CommitAsync(new Descriptor { MediaType = "application/octet-stream", Digest = digest, Size = Length }, cancellationToken);
        }
        catch (KimgException e) when (e.Code == ErrorCode.DigestMismatch)
        {
            throw RequestFault.Invalid("DIGEST_INVALID", e.Message);
        }
    }
}
