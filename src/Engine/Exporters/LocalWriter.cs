using Kimg.Engine.Content;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Exporters;

/// <summary>Writes the file system of an image into a directory (type=local). Everything is first written below a directory of kimg's own inside the
/// destination, then moved to its place by renames: a failure leaves the destination as it was. What is there and not in the image stays; what is in the way
/// is replaced; symlinks in the destination are never followed. As with BuildKit all files belong to the user that runs kimg.</summary>
internal static class LocalWriter
{
    public static async Task WriteAsync(
        IReadOnlyList<(Platform Platform, IFileTree Tree)> trees, string directory, CancellationToken cancellationToken, bool byPlatform = false)
    {
        try
        {
            string target = Path.GetFullPath(directory);
            Directory.CreateDirectory(target);
            using var root = Trees.OpenRoot(target);
            await using var staging = new TemporaryDirectory(target, ".kimg-");
            using var staged = Trees.OpenDirectory(root, Path.GetFileName(staging.Path));
            foreach ((Platform platform, IFileTree tree) in trees)
            {
                using var stager = trees.Count == 1 && !byPlatform
                    ? new TreeStager(staged, ".")
                    : new TreeStager(staged, RootfsTarWriter.PlatformDirectory(platform));
                await stager.WriteAsync(tree, cancellationToken);
            }

            DirectoryMerge.MoveChildren(staged, root);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw OutputFile.Failed(e, directory);
        }
    }
}
