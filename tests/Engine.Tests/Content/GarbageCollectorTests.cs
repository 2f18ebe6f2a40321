using System.Collections.Frozen;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Content;

public sealed class GarbageCollectorTests : IDisposable
{
    private static readonly FrozenSet<Digest> s_noRoots = [];
    private readonly TempDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly List<Digest> _blobs = [];

    public GarbageCollectorTests()
    {
        // Five blobs of 100 bytes, made an hour apart.
        for (byte i = 0; i < 5; i++)
        {
            using ContentStore store = Open();
            var bytes = new byte[100];
            bytes[0] = i;
            _blobs.Add(store.WriteAsync(bytes, CancellationToken.None).GetAwaiter().GetResult());
            _time.Now += TimeSpan.FromHours(1);
        }
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Without_limits_all_but_the_roots_go()
    {
        CollectionResult result = Collect(new CollectionLimits(), roots: [_blobs[2]]);
        Assert.Equal(400, result.Freed);
        Assert.Equal([_blobs[2]], Left());
        Assert.Equal([_blobs[2]], result.Kept.Select(blob => blob.Digest));
    }

    [Fact]
    public void The_least_recently_used_go_first()
    {
        using (ContentStore store = Open()) store.Find(_blobs[0]);
        CollectionResult result = Collect(new CollectionLimits { MaxUsedSpace = 250 });
        Assert.Equal([_blobs[1], _blobs[2], _blobs[3]], result.Removed.Select(blob => blob.Digest));
        Assert.Equal([_blobs[4], _blobs[0]], Left());
    }

    [Fact]
    public void What_was_used_within_the_keep_duration_stays()
    {
        Collect(new CollectionLimits { KeepDuration = TimeSpan.FromMinutes(150) });
        Assert.Equal([_blobs[3], _blobs[4]], Left());
    }

    [Theory]
    [InlineData(1000, null, 1000)] // enough is free
    [InlineData(850, null, 300)] // 150 are missing: two blobs go
    [InlineData(0, null, 0)]
    [InlineData(0, 200L, 200)] // the reserve stays
    public void Enough_is_freed_for_the_disk_but_the_reserve_stays(long free, long? reserved, long left)
    {
        var collector = new GarbageCollector(_directory.Path, _time, _ => free);
        collector.Collect(s_noRoots, new CollectionLimits { MinFreeSpace = 1000, ReservedSpace = reserved }, false, CancellationToken.None);
        Assert.Equal(Math.Min(left, 500), Left().Length * 100);
    }

    [Fact]
    public void A_dry_run_tells_and_takes_nothing()
    {
        var collector = new GarbageCollector(_directory.Path, _time);
        Assert.Equal(500, collector.Collect(s_noRoots, new CollectionLimits(), dryRun: true, CancellationToken.None).Freed);
        Assert.Equal(5, Left().Length);
    }

    [Fact]
    public void What_a_running_build_uses_stays_even_when_the_clock_is_set_back()
    {
        using ContentStore build = Open();
        Assert.Equal(100, build.Find(_blobs[0]));
        _time.Now -= TimeSpan.FromDays(7);
        Assert.Equal(100, build.Find(_blobs[1]));
        _time.Now += TimeSpan.FromDays(8);
        Collect(new CollectionLimits());
        Assert.Equal([_blobs[0], _blobs[1]], Left().OrderBy(_blobs.IndexOf));
        build.Dispose();
        Collect(new CollectionLimits());
        Assert.Empty(Left());
    }

    [Fact]
    public void A_dead_build_protects_nothing_and_its_files_go()
    {
        File.WriteAllBytes(_directory["leases/dead"], []);
        File.SetLastWriteTimeUtc(_directory["leases/dead"], DateTime.UnixEpoch);
        File.WriteAllBytes(_directory["ingest/x-dead"], [1, 2, 3]);
        File.WriteAllBytes(_directory["ingest/sha256-young"], [1]);
        File.SetLastWriteTimeUtc(_directory["ingest/sha256-young"], _time.Now.UtcDateTime);
        File.WriteAllBytes(_directory["ingest/sha256-old"], [1]);
        File.SetLastWriteTimeUtc(_directory["ingest/sha256-old"], _time.Now.UtcDateTime.AddDays(-3));
        Collect(new CollectionLimits());
        Assert.Empty(Left());
        Assert.Empty(Directory.GetFiles(_directory["leases"]));
        Assert.Equal([_directory["ingest/sha256-young"]], Directory.GetFiles(_directory["ingest"]));
    }

    [Fact]
    public async Task Collecting_beside_builds_never_takes_what_they_found()
    {
        using var stop = new CancellationTokenSource();
        Task collecting = Task.Run(() =>
        {
            var collector = new GarbageCollector(_directory.Path, TimeProvider.System);
            while (!stop.IsCancellationRequested) collector.Collect(s_noRoots, new CollectionLimits(), false, CancellationToken.None);
        });
        await Parallel.ForEachAsync(Enumerable.Range(0, 60), async (i, ct) =>
        {
            using var store = new ContentStore(_directory.Path, new ContentStoreOptions { Durable = false });
            Digest digest = await store.WriteAsync(BitConverter.GetBytes(i % 3), ct);
            await using (IIngest ingest = store.BeginIngest())
            {
                ingest.Stream.Write(BitConverter.GetBytes(i));
                await ingest.CommitAsync(null, ct);
            }

            for (int n = 0; n < 20; n++)
            {
                await using Stream stream = store.OpenRead(digest);
                await stream.CopyToAsync(Stream.Null, ct);
            }
        });
        await stop.CancelAsync();
        await collecting;
    }

    private ContentStore Open() => new(_directory.Path, new ContentStoreOptions { Time = _time });

    private CollectionResult Collect(CollectionLimits limits, params Digest[] roots) =>
        new GarbageCollector(_directory.Path, _time).Collect(roots.ToFrozenSet(), limits, dryRun: false, CancellationToken.None);

    private Digest[] Left() => [.. new GarbageCollector(_directory.Path, _time).List(s_noRoots).Select(blob => blob.Digest)];
}
