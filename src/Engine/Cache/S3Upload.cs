using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>An object of S3 in parts, for what is too large for one request. What is not completed is taken back: unfinished parts cost money for ever.</summary>
/// <param name="request">A signed request about the object: method, query, SHA-256 of its body.</param>
internal sealed class S3Upload(CacheHttp http, string what, Func<HttpMethod, string, Digest, CacheRequest> request)
{
    // AWS's limits: 10,000 parts, each of 5 GiB at most; a copied part as well.
    private const int MaxParts = 10_000;
    private const long MaxPart = 5L << 30;
    private const int MaxAnswer = 1 << 20;

    /// <param name="partSize">At least 5 MiB, says AWS.</param>
    public Task PutAsync(long size, int partSize, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken) =>
        CompleteAsync(size, async (id, tags) =>
        {
            long sent = 0;
            int part = (int)Math.Max(partSize, (size + MaxParts - 1) / MaxParts);
            await foreach (ReadOnlyMemory<byte> bytes in BlobParts.ReadAsync(open, size, part, cancellationToken))
            {
                CacheRequest put = request(HttpMethod.Put, Part(id, tags.Count + 1), Digest.Sha256(bytes.Span)) with { Body = RequestBody.Of("application/octet-stream", bytes) };
                using HttpResponseMessage answer = await http.SendAsync(put, cancellationToken);
                tags.Add(answer.Headers.ETag?.ToString() ?? throw Refused("a part was taken without an ETag"));
                sent += bytes.Length;
                progress?.Invoke(sent);
            }
        }, cancellationToken);

    /// <summary>Copies an object onto itself.</summary>
    /// <param name="source">The object, as x-amz-copy-source has it.</param>
    public Task CopyAsync(long size, string source, CancellationToken cancellationToken) => CompleteAsync(size, async (id, tags) =>
    {
        for (long start = 0; start < size; start += MaxPart)
        {
            var headers = new Dictionary<string, string>
            {
                ["x-amz-copy-source"] = source,
                ["x-amz-copy-source-range"] = string.Create(CultureInfo.InvariantCulture, $"bytes={start}-{Math.Min(size, start + MaxPart) - 1}"),
            };
            string answer = await TextAsync(request(HttpMethod.Put, Part(id, tags.Count + 1), Digest.Sha256("")) with { Headers = headers }, "ETag", cancellationToken);
            tags.Add(answer.Replace("&quot;", "\"", StringComparison.Ordinal));
        }
    }, cancellationToken);

    private async Task CompleteAsync(long size, Func<string, List<string>, Task> parts, CancellationToken cancellationToken)
    {
        string id = Uri.EscapeDataString(await TextAsync(request(HttpMethod.Post, "uploads=", Digest.Sha256("")), "UploadId", cancellationToken));
        try
        {
            var tags = new List<string>();
            await parts(id, tags);
            var list = new StringBuilder("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
            for (int i = 0; i < tags.Count; i++)
                list.Append(CultureInfo.InvariantCulture, $"<Part><PartNumber>{i + 1}</PartNumber><ETag>{tags[i].Replace("\"", "&quot;", StringComparison.Ordinal)}</ETag></Part>");
            byte[] body = Encoding.UTF8.GetBytes(list.Append("</CompleteMultipartUpload>").ToString());
            CacheRequest complete = request(HttpMethod.Post, "uploadId=" + id, Digest.Sha256(body)) with { Body = RequestBody.Of("application/xml", body), Expected = [404] };
            // It may say 200 long before it knows, and then that it did not work.
            await TextAsync(complete, "ETag", cancellationToken, orElse: () => IsThereAsync(size, cancellationToken));
        }
        catch (Exception)
        {
            await AbortAsync(id);
            throw;
        }
    }

    // Also when the build is being interrupted.
    private async Task AbortAsync(string id)
    {
        try
        {
            CacheRequest abort = request(HttpMethod.Delete, "uploadId=" + id, Digest.Sha256("")) with { Expected = [404], Attempts = 2, Patience = TimeSpan.FromSeconds(5) };
            (await http.SendAsync(abort, CancellationToken.None)).Dispose();
        }
        catch (KimgException)
        {
            // What went wrong before is what is told; a lifecycle rule of the bucket clears away the rest.
        }
    }

    /// <param name="orElse">Asked when the answer is 404.</param>
    private async Task<string> TextAsync(CacheRequest asked, string element, CancellationToken cancellationToken, Func<Task<bool>>? orElse = null)
    {
        (int status, byte[] body) = await http.ReadAsync(asked, MaxAnswer, cancellationToken);
        string text = Encoding.UTF8.GetString(body), found = CacheHttp.Between(text, $"<{element}>", $"</{element}>");
        if (found.Length > 0) return found;
        return status == 404 && orElse is not null && await orElse() ? "" : throw Refused(OneLine.Of(text, 200));
    }

    // When the answer to completing was lost, the next attempt finds no upload (NoSuchUpload), but what it has become.
    private async Task<bool> IsThereAsync(long size, CancellationToken cancellationToken)
    {
        using HttpResponseMessage found = await http.SendAsync(request(HttpMethod.Head, "", Digest.Sha256("")) with { Expected = [404] }, cancellationToken);
        return found.IsSuccessStatusCode && found.Content.Headers.ContentLength == size;
    }

    private KimgException Refused(string why) => new(ErrorCode.RegistryRefused, $"{what}: the upload in parts was not accepted: {why}");

    private static string Part(string id, int number) => string.Create(CultureInfo.InvariantCulture, $"partNumber={number}&uploadId={id}");
}
