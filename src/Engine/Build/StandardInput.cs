using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Stdin as the context (a tar, compressed or not, or a Dockerfile: told apart by their first bytes) or as the Dockerfile.</summary>
public static class StandardInput
{
    private const int MaxDockerfile = 16 << 20;

    /// <summary>Where "ustar" stands in a tar header.</summary>
    private const int UstarOffset = 257;

    public static (ContextSource Context, string? Dockerfile) ReadContext(Stream input)
    {
        var head = new byte[512];
        int length = input.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var whole = new PrefixedStream(head.AsMemory(0, length), input, leaveOpen: true);
        return IsArchive(head.AsSpan(0, length)) ? (new TarContext(whole), null) : (new EmptyContext(), ReadDockerfile(whole));
    }

    public static string ReadDockerfile(Stream input)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[64 << 10];
        int read;
        while ((read = input.Read(buffer)) > 0)
        {
            if (bytes.Length + read > MaxDockerfile)
            {
                throw new KimgException(ErrorCode.ContextUnreadable, "stdin is neither a tar nor a Dockerfile: it is longer than 16 MiB")
                {
                    Hint = "a context on stdin is a tar, plain or compressed with gzip, bzip2, xz or zstd",
                };
            }

            bytes.Write(buffer, 0, read);
        }

        if (bytes.Length == 0) throw new KimgException(ErrorCode.DockerfileNotFound, "the Dockerfile on stdin is empty");
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static bool IsArchive(ReadOnlySpan<byte> head) =>
        Codec.Detect(head) != Compression.None || (head.Length > UstarOffset + 5 && head[UstarOffset..].StartsWith("ustar"u8));
}
