using System.Globalization;

namespace Kimg.Engine.Sandbox;

/// <summary>How many processes the kernel has killed for memory: of this process's cgroup, with those below, where cgroup v2 counts them
/// (memory.events); else of the whole machine (/proc/vmstat, Linux 4.13).</summary>
internal static class OutOfMemoryCounter
{
    private const string Name = "oom_kill";

    /// <summary>0 where nobody counts.</summary>
    internal static long Read() => Count(OwnEvents()) ?? Count("/proc/vmstat") ?? 0;

    private static string? OwnEvents()
    {
        const string Unified = "0::/";
        string? line = Lines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith(Unified, StringComparison.Ordinal));
        return line is null ? null : Path.Combine("/sys/fs/cgroup", line[Unified.Length..], "memory.events");
    }

    private static long? Count(string? path)
    {
        if (path is null) return null;
        string? line = Lines(path).FirstOrDefault(l => l.StartsWith(Name + " ", StringComparison.Ordinal));
        return line is null ? null : long.Parse(line[(Name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // not mounted, or another cgroup namespace
        }
    }
}
