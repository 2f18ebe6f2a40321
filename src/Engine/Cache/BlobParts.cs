using System.Runtime.CompilerServices;

namespace Kimg.Engine.Cache;

/// <summary>A blob in pieces, read once: a piece is kept until it was sent, so that it can be sent again.</summary>
internal static class BlobParts
{
    /// <summary>What is larger goes in pieces of this size, in bytes.</summary>
    public const int Size = 16 << 20;

    /// <summary>All but the last have <paramref name="partSize"/> bytes. The memory is valid until the next is asked for.</summary>
    /// <exception cref="IOException">It ends early.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        Func<CancellationToken, Task<Stream>> open, long size, int partSize, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream blob = await open(cancellationToken);
        byte[] buffer = new byte[Math.Min(partSize, size)];
        for (long left = size; left > 0;)
        {
            int length = (int)Math.Min(partSize, left);
            if (await blob.ReadAtLeastAsync(buffer.AsMemory(0, length), length, throwOnEndOfStream: false, cancellationToken) < length) throw new IOException("the blob ended early");
            left -= length;
            // The end of a stream that is verified is where it says whether all of it was right.
            if (left == 0 && await blob.ReadAsync(new byte[1], cancellationToken) > 0) throw new IOException("the blob is longer than it should be");
            yield return buffer.AsMemory(0, length);
        }
    }
}
