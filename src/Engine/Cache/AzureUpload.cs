using System.Globalization;
using System.Text;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Block blobs, as one request or in blocks; also what GitHub's cache service gives addresses for.</summary>
/// <param name="authorize">null: the address says it all.</param>
internal sealed class AzureUpload(CacheHttp http, Func<HttpRequestMessage, CancellationToken, Task>? authorize)
{
    private const long BlockSize = 64L << 20;

    /// <returns>False when there is no such container.</returns>
    public async Task<bool> TryPutAsync(
        Uri address, string what, long size, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (size <= BlockSize) return await SendAsync(address, what, new RequestBody("application/octet-stream", size, open, progress), true, cancellationToken);
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for (long start = 0; start < size; start += BlockSize)
        {
            string id = Convert.ToBase64String(Encoding.ASCII.GetBytes(start.ToString("d16", CultureInfo.InvariantCulture)));
            long from = start, length = Math.Min(BlockSize, size - start);
            var body = new RequestBody("application/octet-stream", length, token => PartAsync(open, from, length, token), sent => progress?.Invoke(from + sent));
            if (!await SendAsync(AzureObjects.With(address, "comp=block&blockid=" + Uri.EscapeDataString(id)), what, body, false, cancellationToken)) return false;
            list.Append("<Latest>").Append(id).Append("</Latest>");
        }

        byte[] blocks = Encoding.UTF8.GetBytes(list.Append("</BlockList>").ToString());
        return await SendAsync(AzureObjects.With(address, "comp=blocklist"), what, RequestBody.Of("application/xml", blocks), false, cancellationToken);
    }

    private async Task<bool> SendAsync(Uri address, string what, RequestBody body, bool blob, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await http.SendAsync(
            new CacheRequest(HttpMethod.Put, address, what)
            {
                Body = body,
                Headers = blob ? new Dictionary<string, string> { ["x-ms-blob-type"] = "BlockBlob" } : new Dictionary<string, string>(),
                Authorize = authorize,
                Expected = [404],
            },
            cancellationToken);
        return response.IsSuccessStatusCode;
    }

    private static async Task<Stream> PartAsync(Func<CancellationToken, Task<Stream>> open, long start, long length, CancellationToken cancellationToken)
    {
        Stream whole = await open(cancellationToken);
        byte[] buffer = new byte[128 << 10];
        for (long left = start; left > 0;)
        {
            int read = await whole.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancellationToken);
            if (read == 0) throw new IOException("the blob ended early");
            left -= read;
        }

        return new Part(whole, length);
    }

    private sealed class Part(Stream inner, long length) : Primitives.ReadStream
    {
        private long _left = length;

        public override int Read(Span<byte> buffer) => Count(inner.Read(buffer[..(int)Math.Min(buffer.Length, _left)]));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Count(await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken));

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private int Count(int read)
        {
            _left -= read;
            return read;
        }
    }
}
