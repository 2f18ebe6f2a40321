using System.Collections.Immutable;

namespace Kimg.Engine.Dockerfile;

/// <summary>Build arguments with a meaning of their own.</summary>
internal static class SpecialArguments
{
    public const string Syntax = "BUILDKIT_SYNTAX", Check = "BUILDKIT_DOCKERFILE_CHECK", CacheNamespace = "BUILDKIT_CACHE_MOUNT_NS",
        Hostname = "BUILDKIT_SANDBOX_HOSTNAME", ScanContext = "BUILDKIT_SBOM_SCAN_CONTEXT", ScanStage = "BUILDKIT_SBOM_SCAN_STAGE",
        Epoch = "SOURCE_DATE_EPOCH";

    private static readonly string[] s_proxies = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

    /// <summary>Chooses what the bill of materials covers; no variable of steps.</summary>
    public static bool IsScan(string name) => name is ScanContext or ScanStage;

    /// <summary>The proxy variables among build arguments, in both cases each, as <c>NAME=value</c>.</summary>
    public static ImmutableArray<string> ProxyEnv(IReadOnlyDictionary<string, string> buildArgs)
    {
        var env = ImmutableArray.CreateBuilder<string>();
        foreach (string name in s_proxies)
        {
            string? value = buildArgs.Where(a => a.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                .OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => a.Value).LastOrDefault();
            if (!string.IsNullOrEmpty(value)) env.AddRange($"{name.ToUpperInvariant()}={value}", $"{name}={value}");
        }

        return env.ToImmutable();
    }
}
