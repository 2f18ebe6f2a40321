using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Answers that are read into memory, with the limit each kind has.</summary>
internal static class BoundedBody
{
    public const int Manifest = 4 << 20;
    public const int Config = 8 << 20;
    public const int List = 4 << 20;
    public const int Token = 1 << 20;
    public const int Error = 64 << 10;

    /// <summary>The whole body, or <see cref="ErrorCode.InvalidManifest"/> when it is longer than <paramref name="limit"/>.</summary>
    public static async Task<byte[]> ReadAsync(Stream body, long? announced, int limit, string what, CancellationToken cancellationToken)
    {
        if (announced > limit) throw TooLarge(what, limit);
        byte[] bytes = await ReadUpToAsync(body, limit + 1, cancellationToken);
        return bytes.Length <= limit ? bytes : throw TooLarge(what, limit);
    }

    /// <summary>The body's first <paramref name="limit"/> bytes.</summary>
    public static async Task<byte[]> ReadUpToAsync(Stream body, int limit, CancellationToken cancellationToken)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[Math.Min(limit, 16 << 10)];
        while (bytes.Length < limit)
        {
            int read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, limit - bytes.Length)), cancellationToken);
            if (read == 0) break;
            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();
    }

    private static KimgException TooLarge(string what, int limit) =>
        new(ErrorCode.InvalidManifest, $"{what} is larger than {limit >> 20} MiB");
}
