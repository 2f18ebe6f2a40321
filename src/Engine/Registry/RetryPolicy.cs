using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kimg.Engine.Registry;

/// <summary>The one table of what is tried again, and after how long: exponential backoff with full jitter, unless the registry says when.</summary>
internal sealed class RetryPolicy(RegistryOptions options)
{
    /// <summary>How long to wait before attempt <paramref name="attempt"/> + 1, or null when there is no point.</summary>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="attempts">How many there may be.</param>
    public TimeSpan? Delay(int attempt, int attempts, HttpResponseMessage? response, Exception? failure)
    {
        if (attempt >= attempts) return null;
        if (response is not null ? !IsTransient(response.StatusCode) : !IsTransient(failure)) return null;
        if (response is not null && RetryAfter(response) is { } asked) return asked > options.RetryAfterCap ? null : asked;
        return Backoff(attempt);
    }

    /// <summary>Exponential with full jitter: anything between nothing and the ceiling of this attempt.</summary>
    public TimeSpan Backoff(int attempt)
    {
        double ceiling = Math.Min(options.RetryMaxDelay.TotalMilliseconds, options.RetryBaseDelay.TotalMilliseconds * Math.Pow(2, attempt - 1));
        return TimeSpan.FromMilliseconds(ceiling * options.Jitter());
    }

    internal static bool IsTransient(HttpStatusCode status) => (int)status switch
    {
        408 or 429 => true,
        501 or 505 => false,
        >= 500 and <= 599 => true,
        _ => false,
    };

    internal static bool IsTransient(Exception? failure) => failure switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError, InnerException: SocketException socket } =>
            socket.SocketErrorCode == SocketError.TryAgain,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } e => e.InnerException is IOException,
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.ProxyTunnelError } => false,
        HttpRequestException or IOException or TimeoutException or SocketException => true,
        _ => false,
    };

    /// <summary>Seconds or an HTTP date (RFC 9110, 10.2.3); what is neither does not count.</summary>
    internal TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Retry-After", out IEnumerable<string>? values)) return null;
        string text = values.First();
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds))
            return TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue));
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)) return null;
        TimeSpan wait = date - options.Time.GetUtcNow();
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
