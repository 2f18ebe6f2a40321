using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Native;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>du and prune: what is in the state directory, how long it was not used, and getting rid of it beside running builds. Blobs that a running build uses are
/// known by their time stamps (leases); of everything else a running build may need any, so that stays while one runs.</summary>
public sealed class StateMaintenance : IAsyncDisposable
{
    private readonly BuildServices _services;
    private readonly GarbageCollector _blobs;
    private readonly StateInventory _inventory;

    /// <summary>Over services that somebody else disposes.</summary>
    internal StateMaintenance(BuildServices services)
    {
        _services = services;
        _blobs = new GarbageCollector(services.State.Root, services.Options.Time);
        _inventory = new StateInventory(services, _blobs);
    }

    public static StateMaintenance Create(BuilderOptions options) => new(BuildServices.Create(options));

    public Task<ImmutableArray<UsageItem>> ListUsageAsync(CancellationToken cancellationToken = default) => ListUsageAsync([], cancellationToken);

    /// <param name="filters">All of them must hold.</param>
    public async Task<ImmutableArray<UsageItem>> ListUsageAsync(ImmutableArray<UsageFilter> filters, CancellationToken cancellationToken = default)
    {
        using FileLock? alone = FileLock.TryAcquire(_services.State.BuildsLock, exclusive: true);
        ImmutableArray<StateItem> items = await _inventory.ListAsync(alone is null, names: true, cancellationToken);
        DateTimeOffset? before = Before(null, filters);
        return [.. items.Select(item => item.Usage).Where(usage => !(usage.LastUsed > before) && filters.All(filter => filter.Holds(usage)))];
    }

    /// <summary>Deletes what was not used for longest until the limits are kept.</summary>
    public async Task<PruneReport> PruneAsync(PruneRequest request, CancellationToken cancellationToken = default)
    {
        var doomed = new List<string>();
        int items = 0;
        long freed = 0;
        bool wasAlone;
        using (FileLock? alone = FileLock.TryAcquire(_services.State.BuildsLock, exclusive: true))
        {
            wasAlone = alone is not null;
            if (request.All && request.Filters.All(filter => filter.OlderThan is not null)) RemoveNames(request);
            ImmutableArray<StateItem> all = await _inventory.ListAsync(alone is null, names: !request.All, cancellationToken);
            long used = all.Sum(item => item.Usage.Bytes), target = Target(request, used);
            DateTimeOffset? before = Before(request.OlderThan, request.Filters);
            foreach (StateItem item in all.OrderBy(item => item.Usage.LastUsed))
            {
                cancellationToken.ThrowIfCancellationRequested();
                UsageItem usage = item.Usage;
                bool wanted = !usage.InUse && used > target && !(usage.LastUsed > before) && (request.Kinds.Count == 0 || request.Kinds.Contains(usage.Kind))
                    && request.Filters.All(filter => filter.Holds(usage));
                if (!wanted || !item.Remove(doomed)) continue;
                (items, freed, used) = (items + 1, freed + usage.Bytes, used - usage.Bytes);
            }

            _blobs.RemoveAbandoned();
            // Without a running build nothing here belongs to anybody: killed ones have left it.
            if (alone is not null) doomed.AddRange(_inventory.Leftovers());
        }

        // Renamed out of every build's way before; this may take long and holds nobody up.
        await _services.Worker.RemoveAsync([], [.. doomed.Distinct().Where(NeedsWorker)], cancellationToken);
        return new PruneReport(items, freed) { Alone = wasAlone };
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    // Files of other ids can only be removed from within their map; without such files no worker is started.
    private static bool NeedsWorker(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
            return false;
        }
        catch (DirectoryNotFoundException)
        {
            return false; // another prune was first
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            return true;
        }
    }

    private long Target(PruneRequest request, long used)
    {
        // Less than nothing: without a limit also what is empty goes.
        long target = request is { KeepBytes: null, MinFreeBytes: null } ? -1 : request.KeepBytes ?? long.MaxValue;
        if (request.MinFreeBytes is { } free) target = Math.Min(target, used - (free - new DriveInfo(_services.State.Root).AvailableFreeSpace));
        return Math.Max(target, request.ReservedBytes ?? -1);
    }

    // The longest time of all that were named.
    private DateTimeOffset? Before(TimeSpan? olderThan, ImmutableArray<UsageFilter> filters) =>
        filters.Select(filter => filter.OlderThan).Append(olderThan).Max() is { } age ? _services.Options.Time.GetUtcNow() - age : null;

    private void RemoveNames(PruneRequest request)
    {
        DateTimeOffset? before = Before(request.OlderThan, request.Filters);
        foreach (NamedImage image in _services.Names.All())
        {
            var name = Oci.ImageReference.Parse(image.Name);
            if (!(_services.Names.UsedAt(name) > before)) _services.Names.Remove(name);
        }
    }
}
