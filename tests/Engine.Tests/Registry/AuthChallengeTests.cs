using System.Collections.Immutable;
using Kimg.Engine.Registry;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class AuthChallengeTests
{
    [Theory]
    [InlineData("Bearer realm=\"https://a.example/t\",service=\"s\"", "Bearer realm=https://a.example/t service=s")]
    [InlineData("bearer realm=\"https://a.example/t\" , scope=\"repository:x:pull,push\"", "bearer realm=https://a.example/t scope=repository:x:pull,push")]
    [InlineData("Basic realm=\"a \\\"quoted\\\" name\"", "Basic realm=a \"quoted\" name")]
    [InlineData("Basic realm=unquoted", "Basic realm=unquoted")]
    [InlineData("Basic realm=\"a\", Bearer realm=\"b\",service=\"c\"", "Basic realm=a|Bearer realm=b service=c")]
    [InlineData("Negotiate, Basic REALM=\"x\"", "Negotiate|Basic realm=x")]
    [InlineData("Basic realm=\"never closed", "Basic realm=never closed")]
    [InlineData("", "")]
    [InlineData("\"garbage\"", "")]
    public void Reads_challenges(string header, string expected) => Assert.Equal(expected, Show(AuthChallenge.ParseAll([header])));

    [Fact]
    public void Reads_several_headers() => Assert.Equal("Basic realm=a|Bearer realm=b", Show(AuthChallenge.ParseAll(["Basic realm=a", "Bearer realm=b"])));

    private static string Show(ImmutableArray<AuthChallenge> challenges) => string.Join('|', challenges.Select(c =>
        string.Join(' ', new[] { c.Scheme }.Concat(c.Parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}")))));
}
