using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Sources;

/// <summary>Files fetched over http(s) into the store. A URL is asked once per build; one whose answer has not changed since the last build (ETag) is
/// not transferred again, and one whose checksum is given and whose bytes are here is not asked at all.</summary>
/// <param name="memory">What servers said of their URLs in earlier builds, by digest of the URL.</param>
/// <param name="secret">HTTP_AUTH_HEADER_host and HTTP_AUTH_TOKEN_host are asked of it.</param>
internal sealed class HttpDownloads(
    RegistryOptions options, IContentStore store, IHttpMemory memory, Func<string, CancellationToken, Task<byte[]?>> secret) : IDisposable
{
    private const int MaxRedirects = 10;

    private readonly ConnectionPools _pools = new(options);
    private readonly RetryPolicy _retries = new(options);
    private readonly ConcurrentDictionary<(string Url, Digest? Checksum), Lazy<Task<HttpDownload>>> _known = new();

    /// <param name="checksum">Of the bytes, or null.</param>
    /// <param name="progress">Told the bytes so far and in all (0: unknown).</param>
    /// <exception cref="KimgException">DownloadFailed, TlsFailed, AccessDenied, ChecksumMismatch, InvalidArgument.</exception>
    public Task<HttpDownload> FetchAsync(string url, Digest? checksum, Action<long, long>? progress, CancellationToken cancellationToken) =>
        _known.GetOrAdd((url, checksum), _ => new(() => CheckedAsync(Parse(url), checksum, progress, cancellationToken))).Value;

    public void Dispose() => _pools.Dispose();

    private static Uri Parse(string url)
    {
        if (Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)) return uri;
        throw new KimgException(ErrorCode.InvalidArgument, "this is not an http or https address") { Hint = "write https://host/path" };
    }

    private async Task<HttpDownload> CheckedAsync(Uri uri, Digest? checksum, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        var key = Digest.Sha256(uri.AbsoluteUri);
        HttpValidator? known = memory.Find(key) is { } found && store.Find(found.Content) == found.Size ? found : null;
        if (checksum is not null && known is not null && known.Content == checksum) return known.ToDownload();
        if (checksum is { Algorithm: "sha256" } wanted && store.Find(wanted) is { } size) return new HttpDownload(wanted, size, known?.LastModified);
        HttpDownload download = await RetryAsync(uri, key, known, progress, cancellationToken);
        if (checksum is { } expected && await DigestOfAsync(download, expected, cancellationToken) is var actual && actual != expected)
        {
            throw new KimgException(ErrorCode.ChecksumMismatch, $"'{RedactedUrl.Of(uri)}' has the digest {actual}, expected {expected}")
            {
                Hint = "the file has changed, or was tampered with: check it, then correct --checksum",
            };
        }

        return download;
    }

    private async Task<Digest> DigestOfAsync(HttpDownload download, Digest like, CancellationToken cancellationToken)
    {
        if (like.Algorithm == download.Content.Algorithm) return download.Content;
        using var hash = new ContentHash(like.Algorithm);
        await using Stream bytes = store.OpenRead(download.Content);
        var buffer = new byte[128 << 10];
        while (await bytes.ReadAsync(buffer, cancellationToken) is > 0 and var read) hash.Append(buffer.AsSpan(0, read));
        return hash.Finish();
    }

    private async Task<HttpDownload> RetryAsync(
        Uri uri, Digest key, HttpValidator? known, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            TimeSpan? delay;
            try
            {
                using HttpResponseMessage response = await SendAsync(uri, known, cancellationToken);
                if (await ReceiveAsync(response, uri, key, known, progress, cancellationToken) is { } done) return done;
                delay = _retries.Delay(attempt, options.Attempts, response, null) ?? throw Refused(uri, response);
            }
            catch (Exception error) when (error is HttpRequestException or TimeoutException or IOException)
            {
                delay = _retries.Delay(attempt, options.Attempts, null, error) ?? throw Failed(uri, error);
            }

            await Task.Delay(delay.Value, options.Time, cancellationToken);
        }
    }

    // Null: the answer is an error.
    private async Task<HttpDownload?> ReceiveAsync(
        HttpResponseMessage response, Uri uri, Digest key, HttpValidator? known, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        string? tag = response.Headers.ETag?.ToString();
        if (known is not null && response.StatusCode == HttpStatusCode.NotModified) return known.ToDownload();
        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.NonAuthoritativeInformation)) return null;

        // Some servers send ETags and ignore If-None-Match.
        if (known is not null && tag is not null && tag == known.ETag) return known.ToDownload();
        var download = await SaveAsync(response, progress, cancellationToken) with { LastModified = response.Content.Headers.LastModified?.ToUnixTimeSeconds() };
        if (tag is not null) memory.Keep(key, new HttpValidator(tag, download.Content, download.Size, download.LastModified));
        return download;
    }

    private async Task<HttpDownload> SaveAsync(HttpResponseMessage response, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        long total = response.Content.Headers.ContentLength ?? 0, received = 0;
        await using Stream body = new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), options, null);
        await using IIngest ingest = store.BeginIngest();
        var buffer = new byte[128 << 10];
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            await WriteAsync(ingest, buffer.AsMemory(0, read), cancellationToken);
            progress?.Invoke(received += read, total);
        }

        (Digest content, long size) = await ingest.CommitAsync(null, cancellationToken);
        progress?.Invoke(size, size);
        return new HttpDownload(content, size, null);
    }

    // A full disk is no reason to download again.
    private static async Task WriteAsync(IIngest ingest, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await ingest.Stream.WriteAsync(bytes, cancellationToken);
        }
        catch (IOException error)
        {
            throw StorageFailure.From(error, "the store");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri start, HttpValidator? known, CancellationToken cancellationToken)
    {
        string? authorization = await AuthorizationAsync(start, cancellationToken);
        Uri uri = start;
        for (int hop = 0; ; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            request.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
            if (known is not null) request.Headers.TryAddWithoutValidation("If-None-Match", known.ETag);
            if (authorization is not null && HttpExchange.SameOrigin(uri, start)) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            HttpResponseMessage response = await SendOnceAsync(request, cancellationToken);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location) return response;
            response.Dispose();
            Uri next = new(uri, location);
            if (hop == MaxRedirects) throw Astray(start, $"redirects more than {MaxRedirects} times");
            if (next.Scheme != Uri.UriSchemeHttps && (next.Scheme != Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps))
                throw Astray(start, $"redirects from {uri.Scheme} to {next.Scheme}");
            uri = next;
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ResponseTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await _pools.For(request.RequestUri!, skipVerify: false).SendAsync(request, either.Token);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {options.ResponseTimeout.TotalSeconds:0.#} s", error);
        }
    }

    private async Task<string?> AuthorizationAsync(Uri uri, CancellationToken cancellationToken)
    {
        if (await secret("HTTP_AUTH_TOKEN_" + uri.Host, cancellationToken) is { } token) return "Bearer " + Text(token);
        if (await secret("HTTP_AUTH_HEADER_" + uri.Host, cancellationToken) is { } header) return Text(header);
        return uri.UserInfo.Length == 0 ? null
            : "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(uri.UserInfo)));
    }

    // A line break at the end of a file is no part of the secret; one inside would forge headers.
    private static string Text(byte[] value)
    {
        string text = Encoding.UTF8.GetString(value).Trim();
        return text.AsSpan().IndexOfAny('\r', '\n') < 0 ? text : throw new KimgException(ErrorCode.InvalidSecret, "an HTTP_AUTH secret has more than one line");
    }

    private static KimgException Astray(Uri uri, string why) => new(ErrorCode.DownloadFailed, $"'{RedactedUrl.Of(uri)}' {why}")
    {
        Hint = "give the address the file is really at",
    };

    private static KimgException Refused(Uri uri, HttpResponseMessage response) => (int)response.StatusCode is 401 or 403
        ? new(ErrorCode.AccessDenied, $"'{RedactedUrl.Of(uri)}' answers {RegistryErrors.Status(response)}")
        {
            Hint = $"give a token with --secret id=HTTP_AUTH_TOKEN_{uri.Host},env=NAME",
        }
        : new(ErrorCode.DownloadFailed, $"'{RedactedUrl.Of(uri)}' answers {RegistryErrors.Status(response)}") { Hint = "check the address" };

    private static KimgException Failed(Uri uri, Exception error)
    {
        bool tls = error is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError };
        Exception cause = tls && error.InnerException is { } inner ? inner : error;
        return new KimgException(tls ? ErrorCode.TlsFailed : ErrorCode.DownloadFailed, $"cannot download '{RedactedUrl.Of(uri)}': {OneLine.Of(cause.Message, 200)}", error)
        {
            Hint = tls ? "a private certificate authority is named with SSL_CERT_FILE" : "check the address, the network and the proxy variables",
        };
    }
}

/// <summary>A file that was fetched.</summary>
/// <param name="Content">SHA-256; the bytes are in the store.</param>
/// <param name="LastModified">Seconds since 1970; null when the server does not say.</param>
internal sealed record HttpDownload(Digest Content, long Size, long? LastModified);

/// <summary>What a server said of a URL when it was last fetched.</summary>
internal sealed record HttpValidator(string ETag, Digest Content, long Size, long? LastModified)
{
    public HttpDownload ToDownload() => new(Content, Size, LastModified);
}

/// <summary>Keeps <see cref="HttpValidator"/>s between builds; loses them rather than failing.</summary>
internal interface IHttpMemory
{
    HttpValidator? Find(Digest url);

    void Keep(Digest url, HttpValidator validator);
}
