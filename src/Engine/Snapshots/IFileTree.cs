using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>A read-only tree of files: the merged view of a chain of layers, or a local context. Metadata is at hand; contents are not.
/// Nothing here follows symlinks.</summary>
public interface IFileTree
{
    /// <summary>The entry at exactly this path (its parents are directories, not symlinks), or null. The root always exists.</summary>
    TarEntry? Find(ImagePath path);

    /// <summary>The entries directly in a directory, sorted by name.</summary>
    IReadOnlyList<TarEntry> Children(ImagePath directory);

    /// <summary>The bytes of a regular file (or of a hard link's target).</summary>
    Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken);

    /// <summary>SHA-256 of the bytes of each file, in order; computed in parallel and remembered where the tree can.</summary>
    Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken);
}
