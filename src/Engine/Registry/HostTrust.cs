using System.Net;
using System.Net.Sockets;

namespace Kimg.Engine.Registry;

/// <summary>A public registry must not be able to send this machine to addresses only this machine can reach (its own services, the
/// network's, a cloud's metadata). What a registry names may be as private as the registry itself, not more.</summary>
internal sealed class HostTrust(Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    public static HostTrust Dns { get; } = new(System.Net.Dns.GetHostAddressesAsync);

    /// <summary>True when <paramref name="registry"/> may name <paramref name="target"/>. A name that does not resolve here (behind a proxy,
    /// say) is judged by its text.</summary>
    public async Task<bool> MayNameAsync(Uri registry, Uri target, CancellationToken cancellationToken)
    {
        if (registry.IdnHost.Equals(target.IdnHost, StringComparison.OrdinalIgnoreCase)) return true;
        Reach reach = await ReachOfAsync(target, cancellationToken);
        return reach == Reach.Public || reach <= await ReachOfAsync(registry, cancellationToken);
    }

    private async Task<Reach> ReachOfAsync(Uri uri, CancellationToken cancellationToken)
    {
        string host = uri.IdnHost.TrimEnd('.');
        if (host == "localhost" || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)) return Reach.Machine;
        if (IPAddress.TryParse(host, out IPAddress? literal)) return ReachOf(literal);
        try
        {
            return (await resolve(host, cancellationToken)).Select(ReachOf).DefaultIfEmpty(Reach.Public).Max();
        }
        catch (SocketException)
        {
            return Reach.Public;
        }
    }

    internal static Reach ReachOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) return Reach.Machine;
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            if (address.IsIPv6LinkLocal) return Reach.Machine;
            return address.IsIPv6SiteLocal || address.IsIPv6UniqueLocal ? Reach.Network : Reach.Public;
        }

        byte[] b = address.GetAddressBytes();
        return (b[0], b[1]) switch
        {
            (0 or 127, _) or (169, 254) => Reach.Machine,
            (10, _) or (192, 168) or (172, >= 16 and <= 31) or (100, >= 64 and <= 127) => Reach.Network,
            _ => Reach.Public,
        };
    }
}

/// <summary>From where an address can be reached; link-local counts as the machine, because metadata services are there.</summary>
internal enum Reach
{
    Public,
    Network,
    Machine,
}
