using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Processes and mounts that have to do with a directory, as /proc tells it.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>A process that was just killed may take a moment to be gone.</summary>
    internal static void AssertNone(string directory)
    {
        var watch = Stopwatch.StartNew();
        while (Processes(directory) is { Length: > 0 } found)
        {
            Assert.True(watch.Elapsed < s_patience, "left behind:\n" + string.Join('\n', found));
            Thread.Yield();
        }

        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(directory + "/", StringComparison.Ordinal));
    }

    /// <summary>The processes of a directory that are kimg's workers.</summary>
    internal static int[] Workers(int front) =>
        [.. from id in Ids() where Parent(id) == front select id];

    private static string[] Processes(string directory) =>
        [.. from id in Ids()
            where id != Environment.ProcessId && Mentions(id, directory)
            select $"{id} {Read($"/proc/{id}/cmdline").Replace('\0', ' ')}"];

    private static bool Mentions(int id, string directory) =>
        Read($"/proc/{id}/cmdline").Contains(directory, StringComparison.Ordinal)
        || Link($"/proc/{id}/root").StartsWith(directory, StringComparison.Ordinal)
        || Link($"/proc/{id}/cwd").StartsWith(directory, StringComparison.Ordinal)
        || Read($"/proc/{id}/mountinfo").Contains(directory, StringComparison.Ordinal);

    private static IEnumerable<int> Ids() =>
        Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => char.IsAsciiDigit(name![0])).Select(name => int.Parse(name!, CultureInfo.InvariantCulture));

    // After the name in parentheses: state, then the parent.
    private static int Parent(int id) =>
        Read($"/proc/{id}/stat") is { Length: > 0 } stat ? int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) : 0;

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // it ended meanwhile
        }
    }

    private static string Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
