using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Cache;

/// <summary>Objects of an S3 bucket, or of what speaks its language.</summary>
internal sealed class S3Objects : IObjectStore
{
    // A copy by one request has at most 5 GiB.
    private const long MaxCopy = 5L << 30;

    private readonly S3Cache _cache;
    private readonly CacheHttp _http;
    private readonly AwsCredentialChain _credentials;
    private readonly string _base;

    public S3Objects(S3Cache cache, CacheHttp http, AwsCredentialChain credentials)
    {
        (_cache, _http, _credentials) = (cache, http, credentials);
        var endpoint = new Uri(cache.Endpoint ?? $"https://s3.{cache.Region}.amazonaws.com");
        string authority = endpoint.GetLeftPart(UriPartial.Authority);
        _base = cache.UsePathStyle ? $"{authority}{endpoint.AbsolutePath.TrimEnd('/')}/{cache.Bucket}/" : $"{endpoint.Scheme}://{cache.Bucket}.{endpoint.Authority}/";
    }

    /// <summary>What is larger goes in parts of this size. For tests.</summary>
    public int PartSize { get; init; } = BlobParts.Size;

    public string Name => "s3://" + _cache.Bucket;

    public Task<Stream?> OpenAsync(string key, long offset, CancellationToken cancellationToken) =>
        _http.OpenAsync(Request(HttpMethod.Get, key, Digest.Sha256("")), offset, cancellationToken);

    public async Task<bool> TouchAsync(string key, long size, CancellationToken cancellationToken)
    {
        using HttpResponseMessage found = await _http.SendAsync(Request(HttpMethod.Head, key, Digest.Sha256("")) with { Expected = [404] }, cancellationToken);
        if (!found.IsSuccessStatusCode || (found.Content.Headers.ContentLength ?? size) != size) return false;
        if (found.Content.Headers.LastModified is not { } written || _http.Options.Time.GetUtcNow() - written < _cache.TouchRefresh) return true;
        // Copied onto itself it counts as new, for rules that delete what is old.
        string source = Escape($"{_cache.Bucket}/{_cache.Prefix}{key}");
        if (size > MaxCopy)
        {
            await Upload(key).CopyAsync(size, source, cancellationToken);
            return true;
        }

        var headers = new Dictionary<string, string> { ["x-amz-copy-source"] = source, ["x-amz-metadata-directive"] = "REPLACE" };
        (await _http.SendAsync(Request(HttpMethod.Put, key, Digest.Sha256("")) with { Headers = headers }, cancellationToken)).Dispose();
        return true;
    }

    public async Task PutAsync(
        string key, Digest digest, long size, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (size > PartSize)
        {
            await Upload(key).PutAsync(size, PartSize, open, progress, cancellationToken);
            return;
        }

        var body = new RequestBody("application/octet-stream", size, open, progress);
        (await _http.SendAsync(Request(HttpMethod.Put, key, digest) with { Body = body }, cancellationToken)).Dispose();
    }

    private S3Upload Upload(string key) => new(_http, $"'{key}'", (method, query, payload) => Request(method, key, payload, query.Length == 0 ? "" : "?" + query));

    private CacheRequest Request(HttpMethod method, string key, Digest payload, string query = "") => new(
        method, new Uri(_base + Escape(_cache.Prefix + key) + query), $"'{key}'")
    {
        Authorize = async (message, token) =>
            AwsSigner.Sign(message, payload.Hex, await _credentials.GetAsync(token), _cache.Region, "s3", _http.Options.Time.GetUtcNow()),
        Attempts = _cache.Attempts,
    };

    private static string Escape(string key) => string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
}
