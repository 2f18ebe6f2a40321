using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>What tells that a file is still the one whose content was hashed. Times in nanoseconds since 1970.</summary>
internal readonly record struct FileStamp(ImagePath Path, ulong Device, ulong Inode, long Size, long Modified, long Changed)
{
    public static FileStamp Of(ImagePath path, in FileStat stat) =>
        new(path, stat.Device, stat.Inode, stat.Size, stat.ModifiedSeconds * 1_000_000_000 + stat.ModifiedNanoseconds,
            stat.Changed.Seconds * 1_000_000_000 + stat.Changed.Nanoseconds);

    /// <summary>Too young at <paramref name="now"/> (nanoseconds) to be told from a later write by its times.</summary>
    public bool IsYoung(long now) => Math.Max(Modified, Changed) > now - 2_000_000_000;
}
