using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Ops;

/// <summary>ADD from a URL: one file in an empty root. With a checksum its definition says what it gives; without one the URL is asked in every build, and what
/// depends on it goes by the bytes.</summary>
/// <param name="progress">Told a name, the bytes so far and in all.</param>
internal sealed class HttpRunner(HttpSourceOp op, HttpDownloads downloads, IContentStore store, Action<string, long, long> progress) : IOp<OpResult>
{
    public CacheMap<OpResult> CacheMap { get; } = new()
    {
        Digest = op.Checksum is null ? OpDigest.Of(op) : OpDigest.Of(op with { Url = "" }),
        Policy = op.Checksum is null ? CachePolicy.ContentOnly : CachePolicy.Recomputed,
    };

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        HttpDownload file = await downloads.FetchAsync(op.Url, op.Checksum, (done, total) => progress(op.FileName, done, total), cancellationToken);
        var entry = new TarEntry
        {
            Path = ImagePath.Normalize(op.FileName),
            Type = EntryType.File,
            Mode = op.Mode,
            Uid = (uint)op.Uid,
            Gid = (uint)op.Gid,
            Size = file.Size,
            ModifiedSeconds = file.LastModified ?? 0,
        };
        return new Snapshot([new PlanLayer([new PlanEntry(entry, new StoredBlob(store, file.Content))])]);
    }
}
