using System.Net;
using System.Net.Http.Headers;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Sends requests until they are answered: authentication, retries, the circuit breaker and finding out a host's scheme.</summary>
internal sealed class RegistryTransport : IDisposable
{
    private readonly RegistryOptions _options;
    private readonly ConnectionPools _pools;
    private readonly HttpExchange _exchange;
    private readonly Authorizer _authorizer;
    private readonly RetryPolicy _retries;
    private readonly CircuitBreaker _breaker;

    public RegistryTransport(RegistryOptions options, EndpointResolver endpoints, HostTrust trust)
    {
        _options = options;
        Endpoints = endpoints;
        Trust = trust;
        _pools = new ConnectionPools(options);
        _exchange = new HttpExchange(options, _pools);
        _authorizer = new Authorizer(options, new TokenService(options, _exchange, trust));
        _retries = new RetryPolicy(options);
        _breaker = new CircuitBreaker(options.Time);
    }

    public EndpointResolver Endpoints { get; }

    public HostTrust Trust { get; }

    /// <summary>The first answer that is 2xx or expected. The body is not read yet.</summary>
    /// <exception cref="KimgException">Everything else.</exception>
    public async Task<HttpResponseMessage> SendAsync(RegistryRequest request, CancellationToken cancellationToken)
    {
        RegistryEndpoint endpoint = Endpoints.Current(request.Endpoint);
        RegistryEndpoint unsettled = endpoint;
        bool probing = false;
        Exception? beforeProbe = null;
        int attempts = request.Attempts ?? _options.Attempts;
        for (int attempt = 1; ; attempt++)
        {
            string host = endpoint.Base.Authority;
            if (!_breaker.TryEnter(host)) throw RegistryErrors.CircuitOpen(request, endpoint);
            (HttpResponseMessage? response, Exception? failure) = await AttemptAsync(request, endpoint, cancellationToken);
            if (endpoint.Alternative is { } other && SpeaksOtherScheme(endpoint, response, failure))
            {
                response?.Dispose();
                (probing, beforeProbe) = (true, failure);
                endpoint = endpoint with { Base = other, Alternative = null };
                attempt--;
                continue;
            }

            if (probing && response is null)
            {
                // Not that either: what the first scheme gave counts.
                probing = false;
                endpoint = unsettled with { Alternative = null };
                if (beforeProbe is null)
                {
                    attempt--;
                    continue;
                }

                failure = beforeProbe;
            }

            if (response is not null && unsettled.Alternative is not null) endpoint = Endpoints.Settle(unsettled, endpoint.Base);
            if (response is null || (int)response.StatusCode >= 500) _breaker.Failed(host);
            else _breaker.Succeeded(host);
            if (response is not null && (response.IsSuccessStatusCode || request.Expected.Contains(response.StatusCode))) return response;
            using (response)
            {
                if (_retries.Delay(attempt, attempts, response, failure) is not { } delay)
                {
                    throw response is null
                        ? RegistryErrors.FromFailure(request, endpoint, failure!)
                        : await RegistryErrors.FromResponseAsync(request, endpoint, response, _authorizer, cancellationToken);
                }

                await Task.Delay(delay, _options.Time, cancellationToken);
            }
        }
    }

    /// <summary>The pause after a failed attempt of something larger than one request.</summary>
    public Task PauseAsync(int attempt, CancellationToken cancellationToken) => Task.Delay(_retries.Backoff(attempt), _options.Time, cancellationToken);

    public void Dispose()
    {
        _authorizer.Dispose();
        _pools.Dispose();
    }

    private async Task<(HttpResponseMessage? Response, Exception? Failure)> AttemptAsync(
        RegistryRequest request, RegistryEndpoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            return (await AuthorizedAsync(request, endpoint, cancellationToken), null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            return (null, e);
        }
    }

    private async Task<HttpResponseMessage> AuthorizedAsync(RegistryRequest request, RegistryEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (request.Anonymous) return await _exchange.SendAsync(request, endpoint, null, cancellationToken);
        AuthenticationHeaderValue? sent = await _authorizer.CurrentAsync(endpoint, request.Scopes, cancellationToken);
        HttpResponseMessage response = await _exchange.SendAsync(request, endpoint, sent, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !HttpExchange.SameOrigin(response.RequestMessage!.RequestUri!, endpoint.Base))
            return response;
        AuthenticationHeaderValue? answer;
        try
        {
            answer = await _authorizer.AnswerAsync(endpoint, request.Scopes, response, sent, cancellationToken);
        }
        catch
        {
            response.Dispose();
            throw;
        }

        if (answer is null) return response;
        response.Dispose();
        return await _exchange.SendAsync(request, endpoint, answer, cancellationToken);
    }

    // A TLS server answers plain http with 400 (Go, nginx) or hangs up; a plain server breaks the handshake. A refused connection
    // says something about the scheme only when each scheme has its own port.
    private static bool SpeaksOtherScheme(RegistryEndpoint endpoint, HttpResponseMessage? response, Exception? failure)
    {
        if (response is not null) return !endpoint.IsHttps && response.StatusCode == HttpStatusCode.BadRequest;
        return failure is HttpRequestException e && e.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError => endpoint.IsHttps,
            HttpRequestError.ConnectionError => endpoint.Base.Port != endpoint.Alternative!.Port,
            HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded => !endpoint.IsHttps,
            _ => false,
        };
    }
}
