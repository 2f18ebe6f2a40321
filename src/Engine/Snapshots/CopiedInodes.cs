using Kimg.Engine.Native;

namespace Kimg.Engine.Snapshots;

/// <summary>What a copied tree looked like before a step ran: for each inode the one it was copied from, and its change time. While that time stands
/// nobody has touched the inode, so wherever it is found at its original's place nothing needs to be compared.</summary>
internal sealed class CopiedInodes
{
    private readonly Dictionary<ulong, (ulong Original, (long, uint) Changed)> _inodes = [];

    internal void Add(FileStat copy, FileStat original) => _inodes[copy.Inode] = (original.Inode, copy.Changed);

    internal bool IsUntouched(FileStat now, FileStat original) =>
        _inodes.TryGetValue(now.Inode, out var known) && known.Original == original.Inode && known.Changed == now.Changed;
}
