using System.Net;
using System.Net.Sockets;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class RetryPolicyTests
{
    private static readonly RegistryOptions s_options = new() { Jitter = () => 0.5, Time = new ManualTime() };

    [Theory]
    [InlineData(408, true)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    [InlineData(501, false)]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(404, false)]
    [InlineData(416, false)]
    public void Retries_what_may_pass(int status, bool expected) => Assert.Equal(expected, Delay(1, Answer(status)) is not null);

    [Fact]
    public void Retries_a_lost_connection_but_not_a_host_that_does_not_exist()
    {
        var policy = new RetryPolicy(s_options);

        Assert.NotNull(policy.Delay(1, 5, null, new HttpRequestException(HttpRequestError.ConnectionError)));
        Assert.NotNull(policy.Delay(1, 5, null, new TimeoutException()));
        Assert.Null(policy.Delay(1, 5, null, new HttpRequestException(
            HttpRequestError.NameResolutionError, null, new SocketException((int)SocketError.HostNotFound))));
        Assert.Null(policy.Delay(1, 5, null, new HttpRequestException(
            HttpRequestError.SecureConnectionError, null, new System.Security.Authentication.AuthenticationException())));
    }

    [Fact]
    public void Backs_off_twice_as_long_each_time_up_to_the_limit() => Assert.Equal(
        [250, 500, 1000, 2000, 4000, 5000, 5000],
        Enumerable.Range(1, 7).Select(attempt => new RetryPolicy(s_options).Delay(attempt, 100, Answer(503), null)!.Value.TotalMilliseconds));

    [Fact]
    public void Gives_up_after_the_last_attempt() => Assert.Null(Delay(5, Answer(503)));

    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("Fri, 02 Jan 2026 03:04:35 GMT", 30)]
    [InlineData("Fri, 02 Jan 2026 03:00:00 GMT", 0)]
    public void Waits_as_long_as_it_is_asked_to(string retryAfter, double seconds) =>
        Assert.Equal(seconds, Delay(1, Answer(429, retryAfter))!.Value.TotalSeconds);

    [Theory]
    [InlineData("3600")]
    [InlineData("99999999999999999999")]
    [InlineData("Sat, 03 Jan 2026 03:04:35 GMT")]
    public void Does_not_wait_for_hours(string retryAfter) => Assert.Null(Delay(1, Answer(429, retryAfter)));

    [Fact]
    public void Ignores_a_time_it_cannot_read() => Assert.Equal(0.25, Delay(1, Answer(429, "soon"))!.Value.TotalSeconds);

    private static TimeSpan? Delay(int attempt, HttpResponseMessage response) => new RetryPolicy(s_options).Delay(attempt, 5, response, null);

    private static HttpResponseMessage Answer(int status, string? retryAfter = null)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status);
        if (retryAfter is not null) response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        return response;
    }
}
