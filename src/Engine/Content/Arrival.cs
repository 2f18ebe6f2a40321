using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Content;

/// <summary>How far a download is: the file that it is written to, once that is known to grow from its first byte to its last without going back, and how much of it
/// is there.</summary>
internal sealed class Arrival
{
    private static readonly Task s_never = new TaskCompletionSource().Task;
    private readonly Lock _lock = new();
    private TaskCompletionSource? _next;
    private string? _path;
    private bool _over;
    private long _available;

    /// <summary>Bytes that can be read.</summary>
    public long Available
    {
        get
        {
            lock (_lock) return _available;
        }
    }

    /// <summary>The file; null when it cannot be read along: another process fetches it, what was left of an earlier attempt is continued, or it is there already.</summary>
    /// <param name="fetched">Done when the download is.</param>
    public async Task<SafeFileHandle?> OpenAsync(Task fetched)
    {
        while (true)
        {
            Task next;
            lock (_lock)
            {
                if (_over || fetched.IsCompleted) return null;
                if (_path is not null) return TryOpen(_path);
                next = Next();
            }

            await Task.WhenAny(next, fetched);
        }
    }

    /// <summary>Done when there may be more than that; never once the download has ended.</summary>
    public Task MoreThan(long position)
    {
        lock (_lock) return _available > position ? Task.CompletedTask : _over ? s_never : Next();
    }

    public void Begin(string path) => Change(() => _path = path);

    public void Advance(long available) => Change(() => _available = available);

    public void End() => Change(() => _over = true);

    // It has the blob's name, or is gone, as soon as the last byte has come.
    private static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private Task Next() => (_next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void Change(Action change)
    {
        TaskCompletionSource? next;
        lock (_lock)
        {
            change();
            (next, _next) = (_next, null);
        }

        next?.SetResult();
    }
}
