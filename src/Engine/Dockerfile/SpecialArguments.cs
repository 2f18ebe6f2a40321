using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Build arguments with a meaning of their own.</summary>
internal static class SpecialArguments
{
    public const string Syntax = "BUILDKIT_SYNTAX", Check = "BUILDKIT_DOCKERFILE_CHECK", CacheNamespace = "BUILDKIT_CACHE_MOUNT_NS",
        Hostname = "BUILDKIT_SANDBOX_HOSTNAME", ScanContext = "BUILDKIT_SBOM_SCAN_CONTEXT", ScanStage = "BUILDKIT_SBOM_SCAN_STAGE",
        Epoch = "SOURCE_DATE_EPOCH", MultiPlatform = "BUILDKIT_MULTI_PLATFORM", InlineCache = "BUILDKIT_INLINE_CACHE",
        KeepGitDirectory = "BUILDKIT_CONTEXT_KEEP_GIT_DIR", BuildName = "BUILDKIT_BUILD_NAME", NoFileOperations = "BUILDKIT_DISABLE_FILEOP";

    private static readonly string[] s_proxies = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

    /// <summary>Refuses the arguments that ask for what cannot be had.</summary>
    /// <exception cref="KimgException">UnsupportedFeature; InvalidArgument: a value that is no truth value.</exception>
    public static void RefuseUnsupported(IReadOnlyDictionary<string, string> buildArgs)
    {
        Flag(buildArgs, InlineCache);
        if (Flag(buildArgs, NoFileOperations) == true)
            throw new KimgException(ErrorCode.UnsupportedFeature, $"{NoFileOperations} is not supported") { Hint = "leave it out: BuildKit has no such mode any more" };
    }

    /// <summary>Null: not given, or empty.</summary>
    /// <exception cref="KimgException">InvalidArgument.</exception>
    public static bool? Flag(IReadOnlyDictionary<string, string> buildArgs, string name)
    {
        if (!buildArgs.TryGetValue(name, out string? value) || value.Length == 0) return null;
        return GoBoolean.Parse(value)
            ?? throw new KimgException(ErrorCode.InvalidArgument, $"the build argument {name} is '{value}'") { Hint = "it is true or false" };
    }

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
