namespace Kimg.Engine.RegistryServer;

internal static class BoundedBody
{
    /// <summary>All bytes of a body.</summary>
    /// <exception cref="RequestFault">413 when there are more than <paramref name="limit"/>.</exception>
    public static async Task<byte[]> ReadAsync(Stream body, int limit, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (bytes.Length + read > limit) throw new RequestFault(413, "SIZE_INVALID", $"the body is larger than {limit} bytes");
            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();
    }
}
