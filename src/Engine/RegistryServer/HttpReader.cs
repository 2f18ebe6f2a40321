using System.Text;

namespace Kimg.Engine.RegistryServer;

/// <summary>Buffered reading of one connection. Gives up when the peer is silent for two minutes.</summary>
internal sealed class HttpReader(Stream stream, CancellationToken stopping) : IDisposable
{
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(2);
    private readonly CancellationTokenSource _silence = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start, _end;

    public async ValueTask<int> ReadAsync(Memory<byte> target)
    {
        if (_start == _end)
        {
            _silence.CancelAfter(s_silence);
            if (target.Length >= _buffer.Length) return await stream.ReadAsync(target, _silence.Token);
            (_start, _end) = (0, await stream.ReadAsync(_buffer, _silence.Token));
        }

        int count = Math.Min(target.Length, _end - _start);
        _buffer.AsMemory(_start, count).CopyTo(target);
        _start += count;
        return count;
    }

    /// <summary>The next line without its end; null when the connection ends before its first byte.</summary>
    /// <param name="limit">Longest line, at most the buffer's size.</param>
    public async ValueTask<string?> ReadLineAsync(int limit)
    {
        for (int searched = _start; ;)
        {
            int newline = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                int end = searched + newline;
                string line = Encoding.Latin1.GetString(_buffer, _start, end - _start).TrimEnd('\r');
                _start = end + 1;
                return line;
            }

            if (_end - _start >= limit) throw new RequestFault(431, "UNSUPPORTED", "a line of the request is too long");
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            searched = _end;
            _silence.CancelAfter(s_silence);
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), _silence.Token);
            if (read == 0) return _end == 0 ? null : throw new EndOfStreamException("the connection ended within a request");
            _end += read;
        }
    }

    public void Dispose() => _silence.Dispose();
}
