using System.Globalization;
using System.Text;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Block blobs, as one request or in blocks; also what GitHub's cache service gives addresses for.</summary>
/// <param name="authorize">null: the address says it all.</param>
internal sealed class AzureUpload(CacheHttp http, Func<HttpRequestMessage, CancellationToken, Task>? authorize)
{
    private const int MaxBlocks = 50_000;

    /// <returns>False when there is no such container.</returns>
    public async Task<bool> TryPutAsync(
        Uri address, string what, long size, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (size <= BlobParts.Size) return await SendAsync(address, what, new RequestBody("application/octet-stream", size, open, progress), true, cancellationToken);
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        long sent = 0;
        await foreach (ReadOnlyMemory<byte> block in BlobParts.ReadAsync(open, size, Math.Max(BlobParts.Size, (int)(size / MaxBlocks) + 1), cancellationToken))
        {
            string id = Convert.ToBase64String(Encoding.ASCII.GetBytes(sent.ToString("d16", CultureInfo.InvariantCulture)));
            var body = RequestBody.Of("application/octet-stream", block);
            if (!await SendAsync(AzureObjects.With(address, "comp=block&blockid=" + Uri.EscapeDataString(id)), what, body, false, cancellationToken)) return false;
            list.Append("<Latest>").Append(id).Append("</Latest>");
            sent += block.Length;
            progress?.Invoke(sent);
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
}
