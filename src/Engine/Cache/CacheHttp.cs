using System.Net;
using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Requests to object stores and cache services: tried again like those to registries, their failures worded, no address with its query in a message
/// (signed addresses are secrets).</summary>
internal sealed class CacheHttp(RegistryOptions options) : IDisposable
{
    private readonly ConnectionPools _pools = new(options);
    private readonly RetryPolicy _retries = new(options);

    public RegistryOptions Options => options;

    /// <exception cref="KimgException">AccessDenied, RegistryUnreachable, TooManyRequests, RegistryRefused.</exception>
    public async Task<HttpResponseMessage> SendAsync(CacheRequest request, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            HttpResponseMessage? response = null;
            Exception? failure = null;
            try
            {
                response = await SendOnceAsync(request, cancellationToken);
                if (response.IsSuccessStatusCode || request.Expected.Contains((int)response.StatusCode)) return response;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
            {
                failure = e;
            }

            if (_retries.Delay(attempt, request.Attempts ?? options.Attempts, response, failure) is not { } delay)
            {
                using (response) throw await FailureAsync(request, response, failure, cancellationToken);
            }

            response?.Dispose();
            await Task.Delay(delay, options.Time, cancellationToken);
        }
    }

    /// <summary>The whole answer, bounded.</summary>
    public async Task<(int Status, byte[] Body)> ReadAsync(CacheRequest request, int limit, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(request, cancellationToken);
        return ((int)response.StatusCode, await BodyAsync(response, limit, request, cancellationToken));
    }

    /// <summary>The answer's body as it comes, from an offset; null when there is nothing (404).</summary>
    public async Task<Stream?> OpenAsync(CacheRequest request, long offset, CancellationToken cancellationToken)
    {
        var headers = new Dictionary<string, string>(request.Headers);
        if (offset > 0) headers["Range"] = $"bytes={offset}-";
        HttpResponseMessage response = await SendAsync(request with { Headers = headers, Expected = [404] }, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            response.Dispose();
            return null;
        }

        if (offset > 0 && (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From != offset))
        {
            response.Dispose();
            throw new KimgException(ErrorCode.RegistryRefused, $"{request.What}: '{request.Uri.Authority}' gives no part of it");
        }

        return new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), options, response);
    }

    public void Dispose() => _pools.Dispose();

    private async Task<HttpResponseMessage> SendOnceAsync(CacheRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, request.Uri);
        message.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        TimeSpan limit = request.Patience ?? (request.Body is null ? options.ResponseTimeout : options.IdleTimeout);
        using var timeout = new CancellationTokenSource(limit, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        if (request.Body is { } body) message.Content = body.ToContent(() => timeout.CancelAfter(limit));
        else if (request.Method == HttpMethod.Put || request.Method == HttpMethod.Post) message.Content = new ByteArrayContent([]);
        foreach ((string name, string value) in request.Headers) message.Headers.TryAddWithoutValidation(name, value);
        if (request.Authorize is { } authorize) await authorize(message, cancellationToken);
        try
        {
            return await _pools.For(request.Uri, skipVerify: options.InsecureHosts.Contains(request.Uri.Authority)).SendAsync(message, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {limit.TotalSeconds:0.#} s", e);
        }
    }

    private async Task<byte[]> BodyAsync(HttpResponseMessage response, int limit, CacheRequest request, CancellationToken cancellationToken)
    {
        await using Stream body = new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), options, response: null);
        return await BoundedBody.ReadAsync(body, response.Content.Headers.ContentLength, limit, request.What, cancellationToken);
    }

    private static async Task<KimgException> FailureAsync(CacheRequest request, HttpResponseMessage? response, Exception? failure, CancellationToken cancellationToken)
    {
        string where = $"{request.What} at '{request.Uri.GetLeftPart(UriPartial.Authority)}'";
        if (response is null) return new KimgException(ErrorCode.RegistryUnreachable, $"{where}: {OneLine.Of(failure!.Message, 200)}", failure);
        int status = (int)response.StatusCode;
        string said = "";
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            said = Said(Encoding.UTF8.GetString(await BoundedBody.ReadUpToAsync(body, BoundedBody.Error, cancellationToken)));
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            said = "";
        }

        return new KimgException(
            status switch { 401 or 403 => ErrorCode.AccessDenied, 429 or 503 => ErrorCode.TooManyRequests, _ => ErrorCode.RegistryRefused },
            $"{where}: answer {status}{(said.Length == 0 ? "" : ": " + said)}")
        {
            Hint = status is 401 or 403 ? "check the credentials: they may have expired, or may not allow this" : null,
        };
    }

    // The message in S3's and Azure's XML or Twirp's JSON; else nothing, for a page of HTML helps nobody.
    private static string Said(string body) => OneLine.Of(
        Between(body, "<Code>", "</Code>") is { Length: > 0 } code ? $"{code}: {Between(body, "<Message>", "</Message>")}" : Between(body, "\"msg\":\"", "\""), 300);

    internal static string Between(string text, string before, string after)
    {
        int start = text.IndexOf(before, StringComparison.Ordinal);
        if (start < 0) return "";
        start += before.Length;
        int end = text.IndexOf(after, start, StringComparison.Ordinal);
        return end < 0 ? "" : text[start..end];
    }
}
