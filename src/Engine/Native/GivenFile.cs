namespace Kimg.Engine.Native;

/// <summary>Small files that the user names or that lie in a context. A named pipe is not waited for, a device without end is not read to its end; what a shell
/// makes of <c>&lt;(…)</c>, and stdin, are descriptors that this process was given, and are read.</summary>
internal static class GivenFile
{
    private static readonly string[] s_own = ["/dev/fd/", "/dev/stdin", "/proc/self/fd/"];

    /// <returns>Null when there are more than <paramref name="limit"/> bytes.</returns>
    /// <exception cref="IOException">It is not there, cannot be read, or is no file.</exception>
    internal static byte[]? Read(string path, int limit)
    {
        if (NativeCode.IsUsable && !s_own.Any(own => path.StartsWith(own, StringComparison.Ordinal)) && FileStatus.Of(path) is { } status)
        {
            if (status.IsDirectory) throw new FileNotFoundException($"'{path}' is a directory");
            if (status.IsPipe) throw new IOException($"'{path}' is a named pipe or a socket, not a file");
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[Math.Min(limit + 1, 64 << 10)];
        while (file.Read(buffer) is var got and > 0)
        {
            if (bytes.Length + got > limit) return null;
            bytes.Write(buffer, 0, got);
        }

        return bytes.ToArray();
    }

    /// <summary>As <see cref="Read"/>; a reader that waits for a terminal or a slow pipe does not keep a build from ending.</summary>
    internal static Task<byte[]?> ReadAsync(string path, int limit, CancellationToken cancellationToken) =>
        Task.Run(() => Read(path, limit), CancellationToken.None).WaitAsync(cancellationToken);
}
