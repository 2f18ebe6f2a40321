using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>The body of one request, by length or in chunks (RFC 9112). Asks the client to continue when it waits for that.</summary>
internal sealed class RequestBody(HttpReader reader, long? length, Func<Task>? askToContinue) : ReadStream
{
    private long _left = length ?? 0; // of the body, or of the current chunk
    private bool _asked, _ended = length == 0;

    /// <summary>The next request can follow on this connection.</summary>
    public bool IsConsumed => _ended;

    /// <summary>The client still waits for the word to send its body.</summary>
    public bool IsAwaited => askToContinue is not null && !_asked && !_ended;

    /// <summary>It is not known where the body ends.</summary>
    public bool IsBroken { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.IsEmpty) return 0;
        if (askToContinue is not null && !_asked)
        {
            _asked = true;
            await askToContinue();
        }

        if (length is null && _left == 0 && !await NextChunkAsync()) return 0;
        int read = await reader.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)]);
        if (read == 0) throw new EndOfStreamException("the connection ended within a body");
        _left -= read;
        if (_left > 0) return read;
        if (length is null) await ReadEndOfChunkAsync();
        else _ended = true;
        return read;
    }

    public override int Read(Span<byte> buffer) => throw new NotSupportedException();

    private async Task<bool> NextChunkAsync()
    {
        string line = await reader.ReadLineAsync(1024) ?? "";
        int semicolon = line.IndexOf(';', StringComparison.Ordinal);
        ReadOnlySpan<char> size = (semicolon < 0 ? line : line[..semicolon]).AsSpan().Trim();
        if (size.Length > 15 || !long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _left))
            throw Broken("a chunk of the request has no size");
        if (_left > 0) return true;
        for (int trailers = 0; await reader.ReadLineAsync(8192) is { Length: > 0 }; trailers++)
            if (trailers == 32) throw Broken("too many trailers");
        _ended = true;
        return false;
    }

    private async Task ReadEndOfChunkAsync()
    {
        if (await reader.ReadLineAsync(2) is not "") throw Broken("a chunk of the request has no end");
    }

    private RequestFault Broken(string why)
    {
        IsBroken = true;
        return RequestFault.Invalid("UNSUPPORTED", why);
    }
}
