using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;
using static Kimg.Engine.Tests.Content.ScriptedProvider;

namespace Kimg.Engine.Tests.Content;

public sealed class ContentStoreTests : IDisposable
{
    private static readonly CancellationToken s_none = CancellationToken.None;
    private readonly TempDirectory _directory = new();
    private readonly ContentStore _store;
    private readonly byte[] _bytes = new byte[700_001];

    public ContentStoreTests()
    {
        _store = new ContentStore(_directory.Path);
        new Random(1).NextBytes(_bytes);
    }

    private Descriptor Blob => Describe(_bytes);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_written_blob_is_found_and_read_back()
    {
        Digest digest = await _store.WriteAsync(_bytes, s_none);
        Assert.Equal(_bytes.Length, _store.Find(digest));
        Assert.Equal(_bytes, (await _store.ReadAsync(Blob, s_none)).ToArray());
        Assert.Equal(_bytes, File.ReadAllBytes(_directory[$"blobs/sha256/{digest.Hex}"]));
        Assert.Empty(Directory.GetFiles(_directory["ingest"]));
        using var another = new ContentStore(_directory.Path);
        Assert.Equal(_bytes.Length, another.Find(digest));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(131072)]
    [InlineData(500_000)]
    public async Task The_digest_does_not_depend_on_the_size_of_the_writes(int piece)
    {
        await using IIngest ingest = _store.BeginIngest();
        byte[] small = _bytes[..Math.Min(_bytes.Length, piece * 300)];
        for (int i = 0; i < small.Length; i += piece) ingest.Stream.Write(small, i, Math.Min(piece, small.Length - i));
        (Digest digest, long size) = await ingest.CommitAsync(Describe(small), s_none);
        Assert.Equal(Digest.Sha256(small), digest);
        Assert.Equal(small.Length, size);
    }

    [Fact]
    public async Task An_ingest_without_commit_leaves_nothing()
    {
        await using (IIngest ingest = _store.BeginIngest()) ingest.Stream.Write(_bytes);
        Assert.Empty(Directory.GetFiles(_directory["ingest"]));
        Assert.Empty(Directory.GetFiles(_directory["blobs/sha256"]));
    }

    [Fact]
    public async Task A_commit_with_another_size_or_digest_than_expected_is_refused_and_leaves_nothing()
    {
        foreach (Descriptor wrong in new[] { Blob with { Size = 5 }, Blob with { Digest = Digest.Sha256("x") } })
        {
            await using IIngest ingest = _store.BeginIngest();
            ingest.Stream.Write(_bytes);
            var e = await Assert.ThrowsAsync<KimgException>(() => ingest.CommitAsync(wrong, s_none));
            Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        }

        Assert.Empty(Directory.GetFiles(_directory["ingest"]));
        Assert.Null(_store.Find(Blob.Digest));
    }

    [Fact]
    public async Task Blobs_with_sha512_digests_are_stored_and_checked()
    {
        Descriptor blob = Blob with { Digest = ContentHash.Of(_bytes, Digest.Parse("sha512:" + new string('0', 128))) };
        await _store.EnsureAsync(blob, new ScriptedProvider(All(_bytes)), null, s_none);
        Assert.Equal(_bytes, (await _store.ReadAsync(blob, s_none)).ToArray());
        await using IIngest ingest = _store.BeginIngest();
        ingest.Stream.Write(_bytes);
        Assert.Equal(blob.Digest, (await ingest.CommitAsync(blob, s_none)).Digest);
    }

    [Fact]
    public async Task A_corrupt_blob_is_reported_removed_and_fetched_again()
    {
        await _store.WriteAsync(_bytes, s_none);
        File.WriteAllBytes(_store.PathOf(Blob.Digest), [.. _bytes[..^1], (byte)(_bytes[^1] ^ 1)]);
        var e = Assert.Throws<KimgException>(() =>
        {
            using Stream stream = _store.OpenRead(Blob.Digest);
            stream.CopyTo(Stream.Null);
        });
        Assert.Equal(ErrorCode.StoreCorrupt, e.Code);
        Assert.Contains("and was removed", e.Message, StringComparison.Ordinal);
        Assert.Null(_store.Find(Blob.Digest));
        await _store.EnsureAsync(Blob, new ScriptedProvider(All(_bytes)), null, s_none);
        Assert.Equal(_bytes, (await _store.ReadAsync(Blob, s_none)).ToArray());
    }

    [Fact]
    public async Task A_blob_cut_off_by_a_crash_is_fetched_again()
    {
        await _store.WriteAsync(_bytes, s_none);
        File.WriteAllBytes(_store.PathOf(Blob.Digest), []);
        var provider = new ScriptedProvider(All(_bytes));
        await _store.EnsureAsync(Blob, provider, null, s_none);
        Assert.Equal([0], provider.Offsets);
        Assert.Equal(_bytes.Length, _store.Find(Blob.Digest));
    }

    [Fact]
    public async Task A_blob_that_is_here_is_not_fetched()
    {
        await _store.WriteAsync(_bytes, s_none);
        var provider = new ScriptedProvider(All(_bytes));
        await _store.EnsureAsync(Blob, provider, null, s_none);
        Assert.Empty(provider.Offsets);
    }

    [Fact]
    public async Task A_broken_connection_is_resumed_where_it_broke()
    {
        var provider = new ScriptedProvider(BreaksAfter(_bytes, 300_000), BreaksAfter(_bytes, 1), All(_bytes));
        await _store.EnsureAsync(Blob, provider, null, s_none);
        Assert.Equal([0, 300_000, 300_001], provider.Offsets);
        Assert.Equal(_bytes, (await _store.ReadAsync(Blob, s_none)).ToArray());
    }

    [Fact]
    public async Task A_download_that_failed_is_resumed_by_the_next_process()
    {
        var dead = new ScriptedProvider(BreaksAfter(_bytes, 300_000), BreaksAfter(_bytes, 0));
        var e = await Assert.ThrowsAsync<KimgException>(() => _store.EnsureAsync(Blob, dead, null, s_none));
        Assert.Equal(ErrorCode.DownloadFailed, e.Code);
        using var next = new ContentStore(_directory.Path);
        var provider = new ScriptedProvider(All(_bytes));
        await next.EnsureAsync(Blob, provider, null, s_none);
        Assert.Equal([300_000], provider.Offsets);
        Assert.Equal(_bytes, (await next.ReadAsync(Blob, s_none)).ToArray());
    }

    [Fact]
    public async Task A_bad_partial_file_is_downloaded_again_from_the_start()
    {
        File.WriteAllBytes(_store.Layout.PartialPath(Blob.Digest), new byte[1000]);
        var provider = new ScriptedProvider(All(_bytes));
        await _store.EnsureAsync(Blob, provider, null, s_none);
        Assert.Equal([1000, 0], provider.Offsets);
        Assert.Equal(_bytes, (await _store.ReadAsync(Blob, s_none)).ToArray());
    }

    [Fact]
    public async Task A_registry_that_lies_is_found_out_each_time_in_its_own_words()
    {
        byte[] other = [.. _bytes[..^1], (byte)~_bytes[^1]];
        foreach ((byte[] sent, string words) in new[]
                 {
                     (_bytes[..10], "ends after 10 of 700001 bytes"), ((byte[])[.. _bytes, 0], "is longer than its 700001 bytes"),
                     (other, "has the digest " + Digest.Sha256(other)),
                 })
        {
            var provider = new ScriptedProvider(offset => new MemoryStream(sent[(int)Math.Min(offset, sent.Length)..]));
            var e = await Assert.ThrowsAsync<KimgException>(() => _store.EnsureAsync(Blob, provider, null, s_none));
            Assert.Equal(ErrorCode.DigestMismatch, e.Code);
            Assert.Contains(words, e.Message, StringComparison.Ordinal);
            Assert.Null(_store.Find(Blob.Digest));
            if (words.StartsWith("ends", StringComparison.Ordinal)) File.Delete(_store.Layout.PartialPath(Blob.Digest));
            Assert.Empty(Directory.GetFiles(_directory["ingest"]));
        }
    }

    [Fact]
    public async Task Waiters_in_one_process_and_in_others_share_one_download()
    {
        var gate = new TaskCompletionSource();
        var provider = new ScriptedProvider(Gated(_bytes, gate.Task));
        using var another = new ContentStore(_directory.Path);
        long seen = 0;
        Task[] waiters =
        [
            .. Enumerable.Range(0, 5).Select(_ => _store.EnsureAsync(Blob, provider, n => Interlocked.Exchange(ref seen, n), s_none)),
            .. Enumerable.Range(0, 5).Select(_ => another.EnsureAsync(Blob, provider, null, s_none)),
        ];
        gate.SetResult();
        await Task.WhenAll(waiters);
        Assert.Single(provider.Offsets);
        Assert.Equal(_bytes.Length, seen);
    }

    [Fact]
    public async Task Cancelling_one_waiter_leaves_the_others_their_download_and_cancelling_all_ends_it()
    {
        var gate = new TaskCompletionSource();
        var provider = new ScriptedProvider(Gated(_bytes, gate.Task));
        using var cancel = new CancellationTokenSource();
        Task first = _store.EnsureAsync(Blob, provider, null, cancel.Token), second = _store.EnsureAsync(Blob, provider, null, s_none);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult();
        await second;

        _store.Remove(Blob.Digest);
        var never = new ScriptedProvider(Gated(_bytes, new TaskCompletionSource().Task));
        using var cancelAll = new CancellationTokenSource();
        Task alone = _store.EnsureAsync(Blob, never, null, cancelAll.Token);
        await cancelAll.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => alone);
        await _store.EnsureAsync(Blob, new ScriptedProvider(All(_bytes)), null, s_none);
    }

    [Fact]
    public async Task A_full_disk_is_named_with_path_and_size()
    {
        var e = StorageFailure.From(Assert.Throws<IOException>(() => File.WriteAllBytes("/dev/full", [1])), "/state/blob", 5);
        Assert.Equal(ErrorCode.DiskFull, e.Code);
        Assert.Equal("no space left for '/state/blob' (5 bytes)", e.Message);

        File.Delete(_store.Layout.PartialPath(Blob.Digest));
        File.CreateSymbolicLink(_store.Layout.PartialPath(Blob.Digest), "/dev/full");
        e = await Assert.ThrowsAsync<KimgException>(() => _store.EnsureAsync(Blob, new ScriptedProvider(All(_bytes)), null, s_none));
        Assert.Equal(ErrorCode.DiskFull, e.Code);
        Assert.Contains($"({_bytes.Length} bytes)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_directory_that_cannot_be_used_is_a_storage_error()
    {
        var e = Assert.Throws<KimgException>(() => new ContentStore("/proc/nowhere"));
        Assert.True(e.Code is ErrorCode.StorageFailed or ErrorCode.StoragePermission);
        Assert.Equal(8, e.ExitCode);
        e = StorageFailure.From(new UnauthorizedAccessException("denied"), "/state");
        Assert.Equal(ErrorCode.StoragePermission, e.Code);
    }

    [Fact]
    public async Task Parallel_writers_of_the_same_blob_all_succeed()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 20), async (_, ct) =>
        {
            using var store = new ContentStore(_directory.Path, new ContentStoreOptions { Durable = false });
            Assert.Equal(Blob.Digest, await store.WriteAsync(_bytes, ct));
        });
        Assert.Single(Directory.GetFiles(_directory["blobs/sha256"]));
        Assert.Empty(Directory.GetFiles(_directory["ingest"]));
    }

    internal static Descriptor Describe(byte[] bytes) =>
        new() { MediaType = MediaTypes.OciLayer, Digest = Digest.Sha256(bytes), Size = bytes.Length };
}
