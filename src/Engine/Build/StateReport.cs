using System.Collections.Immutable;

namespace Kimg.Engine.Build;

/// <summary>One thing in the state directory.</summary>
/// <param name="Kind">blob, snapshot, cache mount, cache record, layer record, imported cache, index, tar or context.</param>
public sealed record UsageItem(string Kind, string Id, long Bytes, DateTimeOffset LastUsed, bool InUse, string Description)
{
    /// <summary>It belongs to an image that has a name, not to the cache alone.</summary>
    public bool Shared { get; init; }
}

/// <summary>What may be deleted. Without a limit: everything that is not in use.</summary>
/// <param name="OlderThan">Only what was not used for this long; null: any age.</param>
/// <param name="KeepBytes">Delete the longest unused until this much is left; null: no limit.</param>
/// <param name="All">Also what is named.</param>
public sealed record PruneRequest(TimeSpan? OlderThan, long? KeepBytes, bool All)
{
    /// <summary>Delete only as much as is needed for this much to be free on the disk.</summary>
    public long? MinFreeBytes { get; init; }

    /// <summary>This much always stays, whatever the other limits say.</summary>
    public long? ReservedBytes { get; init; }

    /// <summary>All of them must hold.</summary>
    public ImmutableArray<UsageFilter> Filters { get; init; } = [];

    /// <summary>Only these kinds (<see cref="UsageItem.Kind"/>); empty: all.</summary>
    public IReadOnlySet<string> Kinds { get; init; } = new HashSet<string>();
}

public sealed record PruneReport(int Items, long Bytes)
{
    /// <summary>No build ran meanwhile, so that everything could go.</summary>
    internal bool Alone { get; init; }
}
