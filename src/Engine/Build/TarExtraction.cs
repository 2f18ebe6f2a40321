using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Unpacks a context tar into a directory of the user's own: files, directories and symlinks; owners and devices are not kept, as a context has none. The tar
/// is hostile: nothing is ever written through a symlink.</summary>
internal static class TarExtraction
{
    /// <returns>The directory.</returns>
    public static string Extract(Stream tar, string directory, CancellationToken cancellationToken)
    {
        var reader = new TarReader(Codec.Decompress(tar), TarDialect.Plain);
        var times = new List<(string Path, long Seconds)>();
        while (reader.ReadNext() is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.Path.IsRoot) continue;
            string path = Prepare(directory, entry);
            switch (entry.Type)
            {
                case EntryType.Directory:
                    Directory.CreateDirectory(path);
                    SetMode(path, entry.Mode | 0b111_000_000);
                    break;
                case EntryType.File:
                    using (var file = new FileStream(path, FileMode.CreateNew)) reader.Content.CopyTo(file);
                    SetMode(path, entry.Mode | 0b100_000_000);
                    break;
                case EntryType.Symlink:
                    File.CreateSymbolicLink(path, entry.LinkTarget!);
                    continue;
                case EntryType.HardLink:
                    string target = Prepare(directory, entry with { Path = ImagePath.Normalize(entry.LinkTarget!) }, replace: false);
                    if (new FileInfo(target) is { LinkTarget: null, Exists: true }) File.Copy(target, path);
                    break;
                default:
                    continue;
            }

            times.Add((path, entry.ModifiedSeconds));
        }

        // Deepest first: writing below a directory changes its time.
        for (int i = times.Count - 1; i >= 0; i--)
            if (Path.Exists(times[i].Path)) File.SetLastWriteTimeUtc(times[i].Path, DateTimeOffset.FromUnixTimeSeconds(times[i].Seconds).UtcDateTime);
        return directory;
    }

    private static void SetMode(string path, int mode)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, (UnixFileMode)mode);
    }

    // The host path of the entry with every parent a real directory and, to replace it, nothing at its place (but a directory for a directory).
    private static string Prepare(string root, TarEntry entry, bool replace = true)
    {
        string path = root;
        string[] parts = entry.Path.Parts;
        foreach (string part in parts[..^1])
        {
            path = Path.Combine(path, part);
            if (new DirectoryInfo(path).LinkTarget is not null || File.Exists(path)) File.Delete(path);
            Directory.CreateDirectory(path);
        }

        path = Path.Combine(path, parts[^1]);
        if (!replace) return path;
        var existing = new DirectoryInfo(path);
        if (existing.LinkTarget is not null || File.Exists(path)) File.Delete(path);
        else if (existing.Exists && entry.Type != EntryType.Directory) existing.Delete(recursive: true);
        return path;
    }
}
