using System.Net;
using System.Net.Sockets;
using Kimg.Engine.Registry;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class HostTrustTests
{
    private static readonly Dictionary<string, string> s_names = new()
    {
        ["public.example"] = "203.0.113.5",
        ["auth.example"] = "198.51.100.7",
        ["intranet.example"] = "10.1.2.3",
        ["rebound.example"] = "127.0.0.1",
        ["metadata.example"] = "169.254.169.254",
    };

    [Theory]
    [InlineData("public.example", "auth.example", true)]
    [InlineData("public.example", "intranet.example", false)]
    [InlineData("public.example", "rebound.example", false)]
    [InlineData("public.example", "metadata.example", false)]
    [InlineData("public.example", "127.0.0.1", false)]
    [InlineData("public.example", "[::1]", false)]
    [InlineData("public.example", "[::ffff:10.0.0.1]", false)]
    [InlineData("public.example", "[fe80::1]", false)]
    [InlineData("public.example", "[fd00::1]", false)]
    [InlineData("public.example", "localhost", false)]
    [InlineData("public.example", "localhost.", false)]
    [InlineData("public.example", "x.localhost", false)]
    [InlineData("public.example", "0.0.0.0", false)]
    [InlineData("public.example", "172.16.0.1", false)]
    [InlineData("public.example", "100.64.0.1", false)]
    [InlineData("public.example", "2130706433", false)]
    [InlineData("public.example", "172.32.0.1", true)]
    [InlineData("public.example", "does-not-resolve.example", true)]
    [InlineData("intranet.example", "192.168.7.7", true)]
    [InlineData("intranet.example", "169.254.169.254", false)]
    [InlineData("intranet.example", "127.0.0.1", false)]
    [InlineData("127.0.0.1", "localhost", true)]
    [InlineData("rebound.example", "rebound.example", true)]
    public async Task Names_nothing_more_private_than_itself(string registry, string target, bool expected)
    {
        var trust = new HostTrust((name, _) => s_names.TryGetValue(name, out string? address)
            ? Task.FromResult(new[] { IPAddress.Parse(address) })
            : throw new SocketException((int)SocketError.HostNotFound));

        Assert.Equal(expected, await trust.MayNameAsync(new Uri($"https://{registry}/"), new Uri($"https://{target}/token"), CancellationToken.None));
    }
}
