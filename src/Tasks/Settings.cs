using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Kimg.Engine.Oci;

namespace Kimg.Tasks;

/// <summary>Which property or item an error of kimg comes from.</summary>
internal sealed partial record Settings
{
    private static readonly Dictionary<string, string> s_options = new(StringComparer.Ordinal)
    {
        ["--isolation"] = "KimgIsolation", ["--sbom"] = "KimgSbom", ["--provenance"] = "KimgProvenance", ["--platform"] = "KimgPlatforms", ["--target"] = "KimgTarget",
        ["--output"] = "KimgOutput", ["--cache-from"] = "KimgCacheFrom", ["--cache-to"] = "KimgCacheTo", ["--secret"] = "KimgSecret", ["--ssh"] = "KimgSsh",
        ["--build-arg"] = "KimgBuildArg", ["--build-context"] = "KimgBuildContext", ["--annotation"] = "KimgAnnotation", ["--label"] = "ContainerLabel",
        ["--state-dir"] = "KimgStateDirectory", ["--registry-insecure"] = "KimgRegistryInsecure", ["--registry-mirror"] = "KimgRegistryMirror",
        ["--file"] = "KimgDockerfile", ["--tag"] = "ContainerRepository or ContainerImageTag",
    };

    /// <summary>Where the base image is said.</summary>
    public string Base { get; init; } = "ContainerBaseImage";

    /// <summary>Those that the image is pushed to.</summary>
    public ImmutableArray<string> Registries { get; init; } = [];

    /// <summary>Where they are said.</summary>
    public string Names { get; init; } = "ContainerRegistry";

    /// <summary>KimgBuildOptions.</summary>
    public ImmutableArray<string> BuildOptions { get; init; } = [];

    /// <summary>Where the base of an image without a Dockerfile is said.</summary>
    /// <param name="family">Of Microsoft's images, if it chooses the base.</param>
    public static string BaseOf(string family) => family.Length > 0 ? "ContainerFamily or ContainerBaseImage" : "ContainerBaseImage";

    /// <summary>Registries of whole names.</summary>
    public static ImmutableArray<string> RegistriesOf(IEnumerable<string> names) => [.. names.Select(name => ImageReference.Parse(name).Registry).Distinct()];

    /// <returns>Null when the error says enough by itself.</returns>
    public string? Of(KimgFailure failure)
    {
        if (failure.Line > 0) return null;
        string? option = Option().Match(failure.Message) is { Success: true } match ? match.Value : null;
        if (option is not null && BuildOptions.Any(given => given == option || given.StartsWith(option + "=", StringComparison.Ordinal))) return "KimgBuildOptions";
        return failure.Code switch
        {
            "KIMG1001" or "KIMG1007" => option is null ? null : s_options.GetValueOrDefault(option, "KimgBuildOptions"),
            "KIMG1002" => "KimgPlatforms",
            "KIMG1003" => "ContainerRepository or ContainerImageTag",
            "KIMG1005" => "KimgOutput",
            "KIMG1006" => "KimgCacheFrom or KimgCacheTo",
            "KIMG1008" or "KIMG1009" => "KimgContext or KimgBuildContext",
            "KIMG1010" => "KimgSecret or KimgSsh",
            "KIMG2001" => "KimgDockerfile",
            "KIMG2006" => "KimgTarget",
            "KIMG4005" => $"{Base}, ContainerRuntimeIdentifier or KimgPlatforms",
            "KIMG4004" or "KIMG4016" => Base,
            "KIMG4001" or "KIMG4002" or "KIMG4003" or "KIMG4007" or "KIMG4009" or "KIMG4011" =>
                Registries.Any(registry => failure.Message.Contains(registry, StringComparison.Ordinal))
                    ? $"{Names}, or the credentials for it"
                    : $"{Base}, or the credentials for its registry",
            "KIMG7001" or "KIMG7002" or "KIMG7004" => "KimgStateDirectory",
            _ => null,
        };
    }

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex Option();
}
