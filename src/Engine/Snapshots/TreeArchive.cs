using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>A directory as a tar, in the order of its paths.</summary>
internal static class TreeArchive
{
    /// <summary>Everything below a directory.</summary>
    internal static LayerIndex Scan(SafeFileHandle root, CancellationToken cancellationToken) => new TreeDiffer(overlay: false, null).Diff(root, [], cancellationToken);

    /// <param name="open">Opens a regular file of the index.</param>
    internal static void Write(
        LayerIndex index, SafeFileHandle root, Func<DirectoryStack, ImagePath, SafeFileHandle> open, Stream output, CancellationToken cancellationToken)
    {
        using var directories = new DirectoryStack(root);
        var writer = new TarWriter(output);
        foreach (TarEntry entry in index.Entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry is not { Type: EntryType.File, Size: > 0 })
            {
                writer.WriteEntry(entry);
                continue;
            }

            using SafeFileHandle file = open(directories, entry.Path);
            writer.WriteEntry(entry, new RangeStream(file, 0, entry.Size));
        }

        writer.Finish();
    }
}
