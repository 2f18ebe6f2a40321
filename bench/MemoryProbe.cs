using System.Collections.Immutable;
using System.Globalization;

namespace Kimg.Bench;

/// <summary>Looks at the memory of a process tree, and of daemons by name, every few milliseconds. Pages that processes share are counted once (PSS).</summary>
internal sealed class MemoryProbe : IAsyncDisposable
{
    private readonly int _root;
    private readonly ImmutableArray<string> _daemons;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public MemoryProbe(int root, ImmutableArray<string> daemons)
    {
        (_root, _daemons) = (root, daemons);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Bytes.</summary>
    public long Peak { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (!_stop.IsCancellationRequested)
        {
            Peak = Math.Max(Peak, Processes().Sum(ProportionalSize));
            await timer.WaitForNextTickAsync();
        }
    }

    private List<int> Processes()
    {
        Dictionary<int, (int Parent, string Name)> all = [];
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), out int pid) && Read($"/proc/{pid}/stat") is { } stat)
            {
                int close = stat.LastIndexOf(')');
                all[pid] = (int.Parse(stat[(close + 2)..].Split(' ')[1], CultureInfo.InvariantCulture), stat[(stat.IndexOf('(') + 1)..close]);
            }
        }

        return [.. all.Where(p => _daemons.Contains(p.Value.Name) || Descends(p.Key, all)).Select(p => p.Key)];
    }

    private bool Descends(int pid, Dictionary<int, (int Parent, string Name)> all)
    {
        while (pid != _root)
        {
            if (!all.TryGetValue(pid, out (int Parent, string Name) process))
                return false;
            pid = process.Parent;
        }

        return true;
    }

    private static long ProportionalSize(int pid)
    {
        string? line = Read($"/proc/{pid}/smaps_rollup")?.Split('\n').FirstOrDefault(l => l.StartsWith("Pss:", StringComparison.Ordinal));
        return line is null ? 0 : 1024 * long.Parse(line["Pss:".Length..^"kB".Length], NumberStyles.Integer, CultureInfo.InvariantCulture);
    }

    /// <summary>Null when the process has ended meanwhile.</summary>
    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
