using System.Buffers;
using System.Net;
using System.Net.Http.Headers;

namespace Kimg.Engine.Registry;

/// <summary>A body that can be sent again: it is opened anew for each attempt.</summary>
/// <param name="Progress">Called with the bytes sent so far in this attempt.</param>
internal sealed record RequestBody(
    string ContentType, long Length, Func<CancellationToken, Task<Stream>> Open, Action<long>? Progress = null)
{
    public static RequestBody Of(string contentType, ReadOnlyMemory<byte> bytes) =>
        new(contentType, bytes.Length, _ => Task.FromResult<Stream>(new ReadOnlyMemoryStream(bytes)));

    /// <param name="sending">Called after each piece, so that whoever watches for a stalled connection sees that it moves.</param>
    public HttpContent ToContent(Action sending) => new Content(this, sending);

    private sealed class Content : HttpContent
    {
        private const int BufferSize = 128 << 10;
        private readonly RequestBody _body;
        private readonly Action _sending;

        public Content(RequestBody body, Action sending)
        {
            (_body, _sending) = (body, sending);
            Headers.ContentType = MediaTypeHeaderValue.Parse(body.ContentType);
            Headers.ContentLength = body.Length;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _body.Length;
            return true;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await using Stream source = await _body.Open(cancellationToken);
            byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(_body.Length, 1, BufferSize));
            try
            {
                long sent = 0;
                while (await source.ReadAsync(buffer, cancellationToken) is var read and > 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                    sent += read;
                    _sending();
                    _body.Progress?.Invoke(sent);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
