using System.Net;
using System.Net.Http.Headers;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>One request and its answer, redirects followed by hand: an Authorization header never leaves the registry's own origin, nor
/// does the leave to skip certificate checks, and https never becomes http.</summary>
internal sealed class HttpExchange(RegistryOptions options, ConnectionPools pools)
{
    private const int MaxRedirects = 5;

    /// <summary>Sends and returns as soon as the headers are here; the answer's RequestMessage tells from where.</summary>
    /// <exception cref="HttpRequestException">The connection failed.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    /// <exception cref="KimgException">RegistryRefused for redirects that lead astray.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        RegistryRequest request, RegistryEndpoint endpoint, AuthenticationHeaderValue? authorization, CancellationToken cancellationToken)
    {
        Uri uri = request.Address(endpoint);
        for (int hop = 0; ; hop++)
        {
            bool own = SameOrigin(uri, endpoint.Base);
            using HttpRequestMessage message = Message(request, uri);
            if (own) message.Headers.Authorization = authorization;
            HttpResponseMessage response = await SendOnceAsync(
                message, request, pools.For(uri, own && endpoint.Insecure), cancellationToken);
            if (!IsRedirect(request.Method, response.StatusCode) || response.Headers.Location is not { } location) return response;
            response.Dispose();
            if (hop == MaxRedirects) throw Refused(request, uri, $"redirected more than {MaxRedirects} times");
            Uri next = new(uri, location);
            if (next.Scheme != Uri.UriSchemeHttps && (next.Scheme != Uri.UriSchemeHttp || (uri.Scheme == Uri.UriSchemeHttps && !endpoint.Insecure)))
                throw Refused(request, uri, $"redirected from https to {next.Scheme}");
            uri = next;
        }
    }

    internal static bool SameOrigin(Uri a, Uri b) =>
        a.Scheme == b.Scheme && a.Port == b.Port && a.IdnHost.Equals(b.IdnHost, StringComparison.OrdinalIgnoreCase);

    // 301, 302 and 303 would turn a POST into a GET; no registry means that.
    private static bool IsRedirect(HttpMethod method, HttpStatusCode status) => (int)status switch
    {
        307 or 308 => true,
        301 or 302 or 303 => method == HttpMethod.Get || method == HttpMethod.Head,
        _ => false,
    };

    private HttpRequestMessage Message(RegistryRequest request, Uri uri)
    {
        var message = new HttpRequestMessage(request.Method, uri);
        message.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        if (request.Accept is { } accept) message.Headers.TryAddWithoutValidation("Accept", accept);
        if (request.Offset > 0) message.Headers.Range = new RangeHeaderValue(request.Offset, null);
        return message;
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        HttpRequestMessage message, RegistryRequest request, HttpMessageInvoker pool, CancellationToken cancellationToken)
    {
        RequestBody? body = request.Body;
        TimeSpan limit = body is null ? options.ResponseTimeout : options.IdleTimeout;
        using var timeout = new CancellationTokenSource(limit, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        if (body is not null) message.Content = body.ToContent(() => timeout.CancelAfter(limit));
        else if (message.Method == HttpMethod.Post || message.Method == HttpMethod.Put) message.Content = new ByteArrayContent([]);
        if (request.ContentRange is { } range) message.Content?.Headers.TryAddWithoutValidation("Content-Range", range);
        try
        {
            return await pool.SendAsync(message, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(timeout.IsCancellationRequested ? $"no answer within {limit.TotalSeconds:0.#} s" : "no connection in time", e);
        }
    }

    private static KimgException Refused(RegistryRequest request, Uri uri, string why) =>
        new(ErrorCode.RegistryRefused, $"{request.What}: '{RedactedUrl.Of(uri)}' {why}");
}
