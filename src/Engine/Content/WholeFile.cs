using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Content;

/// <summary>A file that appears whole or not at all: written under another name and renamed by <see cref="Commit"/>. Until then it is locked, and the lock ends with
/// the process: what a killed one left is known by that, and is taken away by the next build (in the state directory) or the next export (beside outputs).</summary>
internal sealed class WholeFile : IDisposable
{
    private const string Mark = ".kimg-";
    private const int IdLength = 32, MaxAttempts = 200;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    private readonly FileLock _held;
    private readonly string _temporary, _path;
    private bool _committed;

    private WholeFile(string temporary, string path, FileLock held) => (_temporary, _path, _held) = (temporary, path, held);

    /// <summary>Open for writing; empty.</summary>
    public SafeFileHandle Handle => _held.Handle;

    /// <param name="ingest">The store's folder of files being written (<see cref="StoreLayout.Ingest"/>), on the same disk.</param>
    public static WholeFile Create(string ingest, string path) => Create(() => Path.Combine(ingest, "x-" + NewId()), path);

    /// <summary>For files outside of the state directory: the other name is a hidden one in the same directory. Removes those that killed processes left there.</summary>
    public static WholeFile CreateBeside(string path)
    {
        string directory = Path.GetDirectoryName(path)!, name = Path.GetFileName(path);
        Sweep(directory);
        return Create(() => Path.Combine(directory, $".{name[..Math.Min(100, name.Length)]}{Mark}{NewId()}"), path);
    }

    public static void Write(string ingest, string path, ReadOnlySpan<byte> bytes)
    {
        using WholeFile file = Create(ingest, path);
        RandomAccess.Write(file.Handle, bytes, 0);
        file.Commit();
    }

    public void Commit()
    {
        for (int attempt = 1; !_committed; attempt++) _committed = TryMove(isLast: attempt == MaxAttempts);
    }

    public void Dispose()
    {
        if (!_committed) File.Delete(_temporary);
        _held.Dispose();
    }

    // Windows replaces no file that somebody reads at this moment.
    private bool TryMove(bool isLast)
    {
        try
        {
            File.Move(_temporary, _path, overwrite: true);
            return true;
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && !isLast && e is IOException or UnauthorizedAccessException)
        {
            Thread.Sleep(s_pause);
            return false;
        }
    }

    private static WholeFile Create(Func<string> temporary, string path)
    {
        while (true)
        {
            string name = temporary();
            if (FileLock.TryCreate(name) is not { } held) continue;
            // Between its creation and the lock a sweep may have taken it for abandoned.
            if (File.Exists(name)) return new WholeFile(name, path, held);
            held.Dispose();
        }
    }

    private static void Sweep(string directory)
    {
        foreach (string path in Directory.EnumerateFiles(directory, $".*{Mark}*"))
        {
            if (!IsTemporary(Path.GetFileName(path))) continue;
            try
            {
                using FileLock? abandoned = FileLock.TryAcquireExisting(path);
                if (abandoned is not null) File.Delete(path);
            }
            catch (Exception e) when (StorageFailure.Is(e))
            {
                // Somebody else's: no reason for this export to fail.
            }
        }
    }

    private static bool IsTemporary(string name) =>
        name.Length > Mark.Length + IdLength && name[..^IdLength].EndsWith(Mark, StringComparison.Ordinal) && name[^IdLength..].All(char.IsAsciiHexDigitLower);

    private static string NewId() => Guid.NewGuid().ToString("n");
}
