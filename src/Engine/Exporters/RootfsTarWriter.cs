using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Exporters;

/// <summary>Writes the file system of an image as a tar (type=tar). Several platforms go into directories named <c>linux_amd64</c>.</summary>
internal static class RootfsTarWriter
{
    /// <param name="output">Stays open.</param>
    /// <param name="byPlatform">A single platform goes into a directory too.</param>
    public static async Task WriteAsync(
        IReadOnlyList<(Platform Platform, IFileTree Tree)> trees, Stream output, CancellationToken cancellationToken, bool byPlatform = false)
    {
        var tar = new TarWriter(output);
        foreach ((Platform platform, IFileTree tree) in trees)
        {
            ImagePath below = trees.Count == 1 && !byPlatform ? ImagePath.Root : ImagePath.Trusted(PlatformDirectory(platform));
            if (!below.IsRoot) tar.WriteEntry(new TarEntry { Path = below, Type = EntryType.Directory, Mode = 0x1ED });
            var links = new TreeLinks();
            foreach (TarEntry found in tree.Walk(ImagePath.Root))
            {
                cancellationToken.ThrowIfCancellationRequested();
                TarEntry entry = links.Order(found);
                TarEntry placed = below.IsRoot ? entry : entry with
                {
                    Path = Below(below, entry.Path.Value),
                    LinkTarget = entry.Type == EntryType.HardLink ? Below(below, entry.LinkTarget!).Value : entry.LinkTarget,
                };
                if (entry.Type != EntryType.File)
                {
                    tar.WriteEntry(placed);
                    continue;
                }

                await using Stream content = await tree.OpenAsync(found, cancellationToken);
                tar.WriteEntry(placed, content);
            }
        }

        tar.Finish();
    }

    /// <summary><c>linux_amd64</c>, <c>linux_arm_v7</c>.</summary>
    internal static string PlatformDirectory(Platform platform) => platform.ToString().Replace('/', '_');

    private static ImagePath Below(ImagePath directory, string path) => ImagePath.Trusted(directory.Value + "/" + path);
}
