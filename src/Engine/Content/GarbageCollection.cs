using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>What the collector may take; null: no limit of this kind. Without any limit everything goes that is not in use. Sizes in bytes.</summary>
internal sealed record CollectionLimits
{
    /// <summary>Blobs used within this time stay, whatever the other limits say.</summary>
    public TimeSpan? KeepDuration { get; init; }

    /// <summary>The store may use this much.</summary>
    public long? MaxUsedSpace { get; init; }

    /// <summary>This much should be free on the disk.</summary>
    public long? MinFreeSpace { get; init; }

    /// <summary>The store always keeps this much, even to satisfy the other limits.</summary>
    public long? ReservedSpace { get; init; }
}

/// <param name="InUse">A root, or used by a running build.</param>
internal sealed record DiskUsage(Digest Digest, long Size, DateTimeOffset LastUsed, bool InUse);

internal sealed record CollectionResult(ImmutableArray<DiskUsage> Removed, ImmutableArray<DiskUsage> Kept)
{
    public long Freed => Removed.Sum(blob => blob.Size);
}
