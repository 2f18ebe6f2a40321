using Kimg.Engine.Content;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Tests.Content;

/// <summary>A provider that serves bytes and misbehaves as told: each opening takes the next step of the script, the last one repeats.</summary>
internal sealed class ScriptedProvider(params Func<long, Stream>[] script) : IBlobProvider
{
    public List<long> Offsets { get; } = [];

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        lock (Offsets)
        {
            Offsets.Add(offset);
            return Task.FromResult(script[Math.Min(Offsets.Count, script.Length) - 1](offset));
        }
    }

    public static Func<long, Stream> All(byte[] bytes) => offset => new MemoryStream(bytes[(int)offset..]);

    /// <summary>Sends <paramref name="count"/> bytes, then the connection breaks.</summary>
    public static Func<long, Stream> BreaksAfter(byte[] bytes, int count) =>
        offset => new BreakingStream(bytes.AsSpan((int)offset, count).ToArray());

    /// <summary>Sends nothing until the gate opens.</summary>
    public static Func<long, Stream> Gated(byte[] bytes, Task gate) => offset => new GatedStream(bytes[(int)offset..], gate);

    /// <summary>Sends <paramref name="count"/> bytes, and the rest when the gate opens.</summary>
    public static Func<long, Stream> GatedAfter(byte[] bytes, int count, Task gate) =>
        offset => new GatedStream(bytes[(int)offset..], gate, count);

    private sealed class BreakingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : throw new IOException("connection reset by peer");
        }
    }

    private sealed class GatedStream(byte[] bytes, Task gate, int free = 0) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < free) return await base.ReadAsync(buffer[..Math.Min(buffer.Length, free - (int)Position)], cancellationToken);
            await gate.WaitAsync(cancellationToken);
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
