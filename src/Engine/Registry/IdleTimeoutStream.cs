using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>A response body that fails with <see cref="IOException"/> when nothing arrives for a while; owns its response.</summary>
internal sealed class IdleTimeoutStream(Stream inner, RegistryOptions options, HttpResponseMessage? response) : ReadStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var timeout = new CancellationTokenSource(options.IdleTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await inner.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"nothing arrived for {options.IdleTimeout.TotalSeconds:0.#} s", e);
        }
    }

    public override int Read(Span<byte> buffer)
    {
        var block = new byte[buffer.Length];
        int read = Read(block, 0, block.Length);
        block.AsSpan(0, read).CopyTo(buffer);
        return read;
    }

    // Decompressors and tar readers read synchronously; there is no synchronisation context to deadlock on.
    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            response?.Dispose();
        }

        base.Dispose(disposing);
    }
}
