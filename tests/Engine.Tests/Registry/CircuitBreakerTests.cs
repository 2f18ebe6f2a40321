using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class CircuitBreakerTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Opens_after_failures_in_a_row_and_lets_one_through_later()
    {
        var breaker = new CircuitBreaker(_time);
        for (int i = 1; i < CircuitBreaker.Threshold; i++) breaker.Failed("a");
        Assert.True(breaker.TryEnter("a"));

        breaker.Failed("a");
        Assert.False(breaker.TryEnter("a"));
        Assert.True(breaker.TryEnter("b"));

        _time.Now += CircuitBreaker.OpenFor;
        Assert.True(breaker.TryEnter("a"));
        Assert.False(breaker.TryEnter("a"));

        breaker.Succeeded("a");
        Assert.True(breaker.TryEnter("a"));
        Assert.True(breaker.TryEnter("a"));
    }

    [Fact]
    public void A_success_starts_the_count_again()
    {
        var breaker = new CircuitBreaker(_time);
        for (int i = 0; i < 3 * CircuitBreaker.Threshold; i++)
        {
            breaker.Failed("a");
            breaker.Succeeded("a");
        }

        Assert.True(breaker.TryEnter("a"));
    }
}
