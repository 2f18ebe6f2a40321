using System.Globalization;
using System.Security.Cryptography;

namespace Kimg.Tasks;

/// <param name="Path">Relative.</param>
/// <param name="Mode">0 on Windows.</param>
internal sealed record PublishedFile(string Path, int Mode, string Digest);

/// <summary>SHA-256 of every file of a publish directory. Publishing writes some files anew each time, with what they held before; what has the size
/// and time of the last look is not read again.</summary>
internal sealed class PublishDigests(string recordFile)
{
    // A file may change again within the resolution of its time.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    /// <returns>Sorted by path.</returns>
    public PublishedFile[] Read(string directory)
    {
        Dictionary<string, string> known = Load();
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        FileInfo[] files = [.. new DirectoryInfo(directory).EnumerateFiles("*", options)];
        Array.Sort(files, static (a, b) => string.CompareOrdinal(a.FullName, b.FullName));
        var found = new PublishedFile[files.Length];
        var lines = new string[files.Length];
        Parallel.For(0, files.Length, i =>
        {
            FileInfo file = files[i];
            string key = string.Create(CultureInfo.InvariantCulture, $"{file.Length} {file.LastWriteTimeUtc.Ticks} {file.FullName}");
            if (!known.TryGetValue(key, out string? digest)) digest = Hash(file);
            lines[i] = $"{digest} {key}";
            found[i] = new PublishedFile(Path.GetRelativePath(directory, file.FullName), OperatingSystem.IsWindows() ? 0 : (int)file.UnixFileMode, digest);
        });
        File.WriteAllLines(recordFile, lines);
        return found;
    }

    private static string Hash(FileInfo file)
    {
        using FileStream stream = file.OpenRead();
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private Dictionary<string, string> Load()
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(recordFile)) return known;
        DateTime recorded = File.GetLastWriteTimeUtc(recordFile);
        foreach (string line in File.ReadLines(recordFile))
        {
            string[] parts = line.Split(' ', 4);
            if (parts.Length == 4 && long.TryParse(parts[2], CultureInfo.InvariantCulture, out long ticks) && recorded.Ticks - ticks > s_settled.Ticks)
                known[line[(parts[0].Length + 1)..]] = parts[0];
        }

        return known;
    }
}
