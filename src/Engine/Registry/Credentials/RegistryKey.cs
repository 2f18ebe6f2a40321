using Kimg.Engine.Oci;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>The keys under which credential files keep registries: a host, Docker's URLs (<c>https://index.docker.io/v1/</c>,
/// <c>https://r.example.com</c>), and containers' repositories (<c>quay.io/team</c>, containers-auth.json(5)).</summary>
internal static class RegistryKey
{
    /// <summary>What Docker calls its own registry in files and to helpers.</summary>
    public const string DockerHubUrl = "https://index.docker.io/v1/";

    /// <summary>How well a key fits: 0 not at all, more for longer paths. Keys without path fit all repositories of their host.</summary>
    public static int Fit(string key, string host, string? repository)
    {
        bool url = TrimScheme(ref key);
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        string keyHost = slash < 0 ? key : key[..slash], path = slash < 0 ? "" : key[(slash + 1)..].TrimEnd('/');
        if (!SameHost(keyHost, host)) return 0;
        if (url || path is "" or "v1" or "v2") return 1;
        if (repository is null) return 0;
        return repository == path || repository.StartsWith(path + "/", StringComparison.Ordinal) ? 1 + path.Length : 0;
    }

    /// <summary>The host as image references have it.</summary>
    public static string Host(string registry)
    {
        TrimScheme(ref registry);
        int slash = registry.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0) registry = registry[..slash];
        return IsDockerHub(registry) ? ImageReference.DockerHub : registry;
    }

    /// <summary>The name under which Docker's file and helpers know a registry.</summary>
    public static string ServerAddress(string host) => IsDockerHub(host) ? DockerHubUrl : host;

    private static bool SameHost(string left, string right) =>
        left.Equals(right, StringComparison.OrdinalIgnoreCase) || (IsDockerHub(left) && IsDockerHub(right));

    private static bool IsDockerHub(string host) => host is ImageReference.DockerHub or "index.docker.io" or "registry-1.docker.io" or "registry.hub.docker.com";

    private static bool TrimScheme(ref string key)
    {
        foreach (string scheme in (ReadOnlySpan<string>)["https://", "http://"])
        {
            if (!key.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) continue;
            key = key[scheme.Length..];
            return true;
        }

        return false;
    }
}
