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

    private readonly Lazy<ImmutableArray<RegistryRule>> _rules = new(() => RegistriesConf.Load(options.ConfigurationFiles));

    private readonly ConcurrentDictionary<string, RegistryEndpoint> _settled = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The registry itself: the only one that is written to.</summary>
    /// <exception cref="KimgException">PolicyViolation: it is blocked.</exception>
    public RegistryEndpoint Upstream(string registry, string repository = "") => Upstream(registry, RuleOf(registry, repository));

    /// <summary>Mirrors in order, then the registry, or what stands for it.</summary>
    /// <exception cref="KimgException">PolicyViolation: it is blocked.</exception>
    public IEnumerable<RegistryEndpoint> ForRead(string registry, string repository, bool byDigest)
    {
        RegistryRule? rule = RuleOf(registry, repository);
        foreach (RegistryMirror mirror in options.Mirrors.GetValueOrDefault(registry, ImmutableArray<RegistryMirror>.Empty))
        {
            if (IsFor(mirror, byDigest)) yield return Current(At(mirror.Location, mirror.Insecure) with { Namespace = registry });
        }

        foreach (RegistryMirror mirror in rule?.Mirrors ?? [])
        {
            if (IsFor(mirror, byDigest))
                yield return Current(At(mirror.Location, mirror.Insecure) with { Namespace = registry, Replaced = rule!.Path });
        }

        yield return rule?.Location is { } location
            ? Current(At(location, rule.Insecure) with { Replaced = rule.Path })
            : Upstream(registry, rule);
    }

    private RegistryEndpoint Upstream(string registry, RegistryRule? rule)
    {
        bool insecure = rule?.Insecure == true || options.InsecureHosts.Contains(registry);
        return Current(registry == ImageReference.DockerHub
            ? Create(DockerHubEndpoint, ImageReference.DockerHub, insecure)
            : Create(registry, registry, insecure));
    }

    private RegistryRule? RuleOf(string registry, string repository)
    {
        RegistryRule? rule = RegistryRule.Find(_rules.Value, registry, repository);
        if (rule is not { Blocked: true }) return rule;
        throw new KimgException(ErrorCode.PolicyViolation, $"'{rule.Prefix}' is blocked by '{rule.Source}'")
        {
            Hint = "take another image, or change the file if it is yours",
        };
    }

    private static bool IsFor(RegistryMirror mirror, bool byDigest) => mirror.Use != (byDigest ? MirrorUse.TagOnly : MirrorUse.DigestOnly);

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

    /// <param name="location"><c>[http://|https://]host[:port][/prefix]</c>.</param>
    private RegistryEndpoint At(string location, bool insecure)
    {
        string? scheme = null;
        if (location.IndexOf("://", StringComparison.Ordinal) is var colon and >= 0)
        {
            scheme = location[..colon];
            location = location[(colon + 3)..];
        }

        int slash = location.IndexOf('/');
        string host = slash < 0 ? location : location[..slash], path = slash < 0 ? "" : location[slash..].Trim('/');
        bool hub = RegistryRule.IsDockerHub(host);
        RegistryEndpoint endpoint = Create(
            hub ? DockerHubEndpoint : host, hub ? ImageReference.DockerHub : host, insecure || options.InsecureHosts.Contains(host) || scheme == "http");
        if (scheme is not null) endpoint = endpoint with { Base = new Uri($"{scheme}://{endpoint.Base.Authority}"), Alternative = null };
        return endpoint with { Prefix = path.Length == 0 ? "" : path + "/" };
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
