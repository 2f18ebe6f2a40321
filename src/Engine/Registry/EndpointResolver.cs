using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Registry name → the endpoints to ask, in order. Remembers which scheme a host turned out to speak.</summary>
internal sealed class EndpointResolver(RegistryOptions options)
{
    private const string DockerHubEndpoint = "registry-1.docker.io";

    private readonly ConcurrentDictionary<string, RegistryEndpoint> _settled = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The registry itself: the only one that is written to.</summary>
    public RegistryEndpoint Upstream(string registry) =>
        Current(registry == ImageReference.DockerHub
            ? Create(DockerHubEndpoint, ImageReference.DockerHub, options.InsecureHosts.Contains(registry))
            : Create(registry, registry, options.InsecureHosts.Contains(registry)));

    /// <summary>Mirrors in order, then the registry.</summary>
    public IEnumerable<RegistryEndpoint> ForRead(string registry, bool byDigest)
    {
        foreach (RegistryMirror mirror in options.Mirrors.GetValueOrDefault(registry, ImmutableArray<RegistryMirror>.Empty))
        {
            if (mirror.Use == (byDigest ? MirrorUse.TagOnly : MirrorUse.DigestOnly)) continue;
            yield return Current(FromMirror(mirror, registry));
        }

        yield return Upstream(registry);
    }

    /// <summary>Called once an exchange has shown which of the two schemes is spoken.</summary>
    public RegistryEndpoint Settle(RegistryEndpoint endpoint, Uri works)
    {
        RegistryEndpoint settled = endpoint with { Base = works, Alternative = null };
        _settled[Key(endpoint)] = settled;
        return settled;
    }

    /// <summary>What is known by now about an endpoint handed out before.</summary>
    public RegistryEndpoint Current(RegistryEndpoint endpoint) =>
        endpoint.Alternative is not null && _settled.TryGetValue(Key(endpoint), out RegistryEndpoint? settled)
            ? endpoint with { Base = settled.Base, Alternative = null }
            : endpoint;

    private static string Key(RegistryEndpoint endpoint) => endpoint.Base.Authority + "|" + endpoint.Namespace;

    private RegistryEndpoint FromMirror(RegistryMirror mirror, string registry)
    {
        string location = mirror.Location;
        string? scheme = null;
        if (location.IndexOf("://", StringComparison.Ordinal) is var colon and >= 0)
        {
            scheme = location[..colon];
            location = location[(colon + 3)..];
        }

        int slash = location.IndexOf('/');
        string host = slash < 0 ? location : location[..slash], path = slash < 0 ? "" : location[slash..].Trim('/');
        RegistryEndpoint endpoint = Create(host, host, mirror.Insecure || options.InsecureHosts.Contains(host) || scheme == "http");
        if (scheme is not null) endpoint = endpoint with { Base = new Uri($"{scheme}://{endpoint.Base.Authority}"), Alternative = null };
        return endpoint with { Prefix = path.Length == 0 ? "" : path + "/", Namespace = registry };
    }

    // Docker counts loopback as insecure. There plain http is the rule, so it is tried first; elsewhere https is, even when declared insecure.
    private static RegistryEndpoint Create(string host, string credentialHost, bool insecure)
    {
        if (!Uri.TryCreate("https://" + host, UriKind.Absolute, out Uri? https) || https.AbsolutePath != "/" || https.UserInfo.Length > 0)
            throw new KimgException(ErrorCode.InvalidReference, $"invalid registry name '{host}'");
        // An explicit port must survive the change of scheme: host:443 is not host:80.
        bool explicitPort = host.EndsWith(":443", StringComparison.Ordinal);
        var http = new Uri("http://" + (explicitPort ? host : https.Authority));
        if (IsLoopback(https)) return new RegistryEndpoint(http, credentialHost) { Insecure = true, Alternative = https };
        return insecure
            ? new RegistryEndpoint(https, credentialHost) { Insecure = true, Alternative = http }
            : new RegistryEndpoint(https, credentialHost);
    }

    internal static bool IsLoopback(Uri uri) =>
        uri.IdnHost.TrimEnd('.') is "localhost" || (IPAddress.TryParse(uri.IdnHost, out IPAddress? address) && IPAddress.IsLoopback(address));
}
