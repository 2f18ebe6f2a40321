using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Collects after a build, when the policy says so. Cheap when there is room; the state directory is gone through once an hour at most.</summary>
internal static class AutomaticCollection
{
    private const long MaxDefaultFree = 20_000_000_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromHours(1);

    /// <summary>Nothing that goes wrong here is the build's failure.</summary>
    public static async Task RunAsync(BuildServices services, EventStream events, CancellationToken cancellationToken)
    {
        if (services.Options.Collection is not { } policy) return;
        try
        {
            var disk = new DriveInfo(services.State.Root);
            long minFree = policy.MinFreeSpace ?? Math.Min(disk.TotalSize / 10, MaxDefaultFree);
            if ((policy.MaxUsedSpace is null && disk.AvailableFreeSpace >= minFree) || !IsDue(services)) return;
            var request = new PruneRequest(policy.KeepDuration, policy.MaxUsedSpace, All: false) { MinFreeBytes = minFree, ReservedBytes = policy.ReservedSpace };
            PruneReport report = await new StateMaintenance(services).PruneAsync(request, cancellationToken);
            Stamp(services, report.Alone);
            if (report.Items > 0) events.Send(new BuildNotice(events.Now, $"collected {report.Items} items, {report.Bytes} bytes, to keep within the limits of the state directory"));
        }
        catch (Exception e) when (e is KimgException or IOException or UnauthorizedAccessException)
        {
            events.Send(new BuildNotice(events.Now, $"nothing was collected: {e.Message}"));
        }
    }

    // Beside another build only blobs can go: that is no reason not to look for the rest as soon as none runs.
    private static bool IsDue(BuildServices services)
    {
        bool alone;
        using (FileLock? held = FileLock.TryAcquire(services.State.BuildsLock, exclusive: true)) alone = held is not null;
        string stamp = StampOf(services, alone);
        DateTime now = services.Options.Time.GetUtcNow().UtcDateTime;
        if (File.Exists(stamp) && now - File.GetLastWriteTimeUtc(stamp) is var age && age < s_interval && age > TimeSpan.Zero) return false;
        return true;
    }

    private static string StampOf(BuildServices services, bool alone) => Path.Combine(services.State.Root, alone ? "collected" : "collected-blobs");

    private static void Stamp(BuildServices services, bool alone)
    {
        string stamp = StampOf(services, alone);
        File.WriteAllBytes(stamp, []);
        File.SetLastWriteTimeUtc(stamp, services.Options.Time.GetUtcNow().UtcDateTime);
    }
}
