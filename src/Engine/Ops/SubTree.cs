using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>A directory of a tree as a tree of its own, as a process chrooted into it sees it. Only entries and their types are to be asked for.</summary>
internal sealed class SubTree(IFileTree tree, ImagePath root) : IFileTree
{
    public TarEntry? Find(ImagePath path) => tree.Find(Outside(path));

    public IReadOnlyList<TarEntry> Children(ImagePath directory) => tree.Children(Outside(directory));

    public Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken) => tree.OpenAsync(file, cancellationToken);

    public Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken) => tree.HashAsync(files, cancellationToken);

    /// <summary>Where a path of this tree is in the whole one; symlinks are followed, none leads out.</summary>
    public ImagePath Resolve(ImagePath path) => Outside(TreeExtensions.Resolve(this, path));

    private ImagePath Outside(ImagePath path) => path.IsRoot ? root : root.Combine(path.Value);
}
