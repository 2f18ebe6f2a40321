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
            if (report.Items > 0) events.Send(new BuildNotice(events.Now, $"collected {report.Items} items, {report.Bytes} bytes, to keep within the limits of the state directory"));
        }
        catch (Exception e) when (e is KimgException or IOException or UnauthorizedAccessException)
        {
            events.Send(new BuildNotice(events.Now, $"nothing was collected: {e.Message}"));
        }
    }

    private static bool IsDue(BuildServices services)
    {
        string stamp = Path.Combine(services.State.Root, "collected");
        DateTime now = services.Options.Time.GetUtcNow().UtcDateTime;
        if (File.Exists(stamp) && now - File.GetLastWriteTimeUtc(stamp) is var age && age < s_interval && age > TimeSpan.Zero) return false;
        File.WriteAllBytes(stamp, []);
        File.SetLastWriteTimeUtc(stamp, now);
        return true;
    }
}
