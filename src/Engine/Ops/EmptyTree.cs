using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>A root directory with nothing in it.</summary>
internal sealed class EmptyTree : IFileTree
{
    private static readonly TarEntry s_root = new() { Path = ImagePath.Root, Type = EntryType.Directory, Mode = 0b111_101_101 };

    public static EmptyTree Instance { get; } = new();

    public TarEntry? Find(ImagePath path) => path.IsRoot ? s_root : null;

    public IReadOnlyList<TarEntry> Children(ImagePath directory) => [];

    public Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken) => throw new FileNotFoundException(file.Path.ToString());

    public Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken) =>
        files.Count == 0 ? Task.FromResult<IReadOnlyList<Digest>>([]) : throw new FileNotFoundException(files[0].Path.ToString());
}
