namespace Kimg.Engine.Build;

/// <summary>When a build is followed by a collection of what was not used for longest. Sizes in bytes.</summary>
public sealed record CollectionPolicy
{
    /// <summary>The state directory may hold this much; null: as much as there is room for.</summary>
    public long? MaxUsedSpace { get; init; }

    /// <summary>This much of the disk should stay free; null: a tenth of it, 20 GB at most.</summary>
    public long? MinFreeSpace { get; init; }

    /// <summary>This much always stays.</summary>
    public long ReservedSpace { get; init; } = 2L << 30;

    /// <summary>What was used within this time stays.</summary>
    public TimeSpan KeepDuration { get; init; } = TimeSpan.FromHours(48);
}
