using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;
using static Kimg.Engine.Tests.Content.ScriptedProvider;

namespace Kimg.Engine.Tests.Content;

public sealed class ArrivingBlobTests : IDisposable
{
    private static readonly CancellationToken s_none = CancellationToken.None;
    private readonly TempDirectory _directory = new();
    private readonly ContentStore _store;
    private readonly byte[] _bytes = new byte[700_001];
    private readonly TaskCompletionSource _gate = new();

    public ArrivingBlobTests()
    {
        _store = new ContentStore(_directory.Path);
        new Random(1).NextBytes(_bytes);
    }

    private Descriptor Blob => new() { MediaType = MediaTypes.OciLayer, Digest = Digest.Sha256(_bytes), Size = _bytes.Length };

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_are_read_while_others_are_on_their_way(bool waiting)
    {
        await using Stream blob = await OpenAsync(GatedAfter(_bytes, 300_000, _gate.Task));
        var first = new byte[300_000];
        await blob.ReadExactlyAsync(first);
        Assert.Equal(_bytes[..300_000], first);
        Assert.Null(_store.Find(Blob.Digest));

        Task<byte[]> rest = Task.Run(() => waiting ? RestAsync(blob) : Task.FromResult(Rest(blob)));
        Assert.False(rest.IsCompleted);
        _gate.SetResult();

        Assert.Equal(_bytes[300_000..], await rest);
        Assert.Equal(_bytes.Length, _store.Find(Blob.Digest));
        Assert.Empty(Directory.GetFiles(_directory["ingest"]));
    }

    [Fact]
    public async Task One_that_does_not_match_its_digest_never_ends_well()
    {
        byte[] other = [.. _bytes];
        other[^1] ^= 1;

        KimgException e = await Assert.ThrowsAsync<KimgException>(async () =>
        {
            await using Stream blob = await OpenAsync(GatedAfter(other, 300_000, _gate.Task));
            _gate.SetResult();
            await RestAsync(blob);
        });

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        Assert.Null(_store.Find(Blob.Digest));
    }

    [Fact]
    public async Task A_connection_that_breaks_is_not_noticed_by_who_reads_along()
    {
        await using Stream blob = await OpenAsync(BreaksAfter(_bytes, 250_000), All(_bytes));

        Assert.Equal(_bytes, await RestAsync(blob));
    }

    [Fact]
    public async Task What_an_earlier_process_left_is_completed_before_it_is_read()
    {
        Directory.CreateDirectory(_directory["ingest"]);
        byte[] bad = [.. _bytes[..1000]];
        bad[0] ^= 1;
        File.WriteAllBytes(_directory[$"ingest/sha256-{Blob.Digest.Hex}"], bad);

        await using Stream blob = await OpenAsync(All(_bytes));

        Assert.Equal(_bytes, await RestAsync(blob));
    }

    [Fact]
    public async Task Two_read_one_download_and_one_that_stops_does_not_stop_the_other()
    {
        var provider = new ScriptedProvider(GatedAfter(_bytes, 300_000, _gate.Task));
        await using Stream stays = await _store.OpenFetchedAsync(Blob, provider, null, s_none);
        await using (Stream leaves = await _store.OpenFetchedAsync(Blob, provider, null, s_none)) await leaves.ReadExactlyAsync(new byte[10]);
        _gate.SetResult();

        Assert.Equal(_bytes, await RestAsync(stays));
        Assert.Equal([0], provider.Offsets);
    }

    [Fact]
    public async Task The_last_reader_that_stops_gives_the_download_up_and_what_came_is_kept()
    {
        await using (Stream blob = await OpenAsync(GatedAfter(_bytes, 300_000, _gate.Task))) await blob.ReadExactlyAsync(new byte[10]);
        var rest = new ScriptedProvider(All(_bytes));

        await _store.EnsureAsync(Blob, rest, null, s_none);

        Assert.Equal([300_000], rest.Offsets);
    }

    private Task<Stream> OpenAsync(params Func<long, Stream>[] script) => _store.OpenFetchedAsync(Blob, new ScriptedProvider(script), null, s_none);

    private static async Task<byte[]> RestAsync(Stream stream)
    {
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private static byte[] Rest(Stream stream)
    {
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
