using System.Collections.Immutable;
using System.Diagnostics;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

/// <summary>Short forms for tests of tars: entries, whole archives, and programs that are not ours.</summary>
internal static class Tars
{
    internal static TarEntry File(string path, long size = 0, int mode = 0x1A4) => new()
    {
        Path = ImagePath.Normalize(path), Type = EntryType.File, Mode = mode, Size = size, ModifiedSeconds = 1_600_000_000,
    };

    internal static TarEntry Of(string path, EntryType type, string? link = null) => File(path) with { Type = type, LinkTarget = link };

    internal static byte[] Write(params (TarEntry Entry, byte[] Content)[] entries)
    {
        using var output = new MemoryStream();
        var writer = new TarWriter(output);
        foreach ((TarEntry entry, byte[] content) in entries)
        {
            if (content.Length == 0) writer.WriteEntry(entry);
            else writer.WriteEntry(entry, content);
        }

        writer.Finish();
        return output.ToArray();
    }

    internal static byte[] Write(params TarEntry[] entries) => Write([.. entries.Select(e => (e, new byte[e.Size]))]);

    internal static List<(TarEntry Entry, byte[] Content)> Read(Stream tar, TarDialect dialect = TarDialect.Layer)
    {
        var entries = new List<(TarEntry, byte[])>();
        var reader = new TarReader(tar, dialect);
        while (reader.ReadNext() is { } entry)
        {
            using var content = new MemoryStream();
            reader.Content.CopyTo(content);
            entries.Add((entry, content.ToArray()));
        }

        return entries;
    }

    internal static List<(TarEntry Entry, byte[] Content)> Read(byte[] tar, TarDialect dialect = TarDialect.Layer) =>
        Read(new MemoryStream(tar), dialect);

    internal static ImmutableSortedDictionary<string, ImmutableArray<byte>> Xattrs(params (string Name, byte[] Value)[] xattrs) =>
        ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, xattrs.Select(x => KeyValuePair.Create(x.Name, x.Value.ToImmutableArray())));

    /// <summary>Runs a program in a directory and returns its output; fails when it does.</summary>
    internal static string Run(string directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C.UTF-8", ["TZ"] = "UTC" },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed: {errors.Result}{output}");
        return output;
    }
}

/// <summary>A directory of its own, removed at the end.</summary>
internal sealed class ScratchDirectory : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("kimg-test-").FullName;

    internal string File(string name, byte[] content)
    {
        string path = System.IO.Path.Combine(Path, name);
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
