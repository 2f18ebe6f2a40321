namespace Kimg.Engine.Content;

internal sealed record ContentStoreOptions
{
    /// <summary>Flush each blob to the disk before it gets its name, so that a power failure cannot leave an empty blob under it. One flush a
    /// blob; off for state that dies with the machine anyway.</summary>
    public bool Durable { get; init; } = true;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
