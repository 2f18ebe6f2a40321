namespace Kimg.Engine.Archive;

/// <summary>How a layer blob or an archive is compressed.</summary>
public enum Compression
{
    None,
    Gzip,
    Zstd,

    /// <summary>Read only.</summary>
    Xz,

    /// <summary>Read only.</summary>
    Bzip2,
}
