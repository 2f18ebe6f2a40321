namespace Kimg.Tasks;

/// <summary>Which property or item an error of kimg comes from.</summary>
internal static class Settings
{
    /// <param name="hasDockerfile">The project's own Dockerfile is built, so that base images are in it.</param>
    /// <param name="registry">Of the new image; empty: none.</param>
    /// <returns>Null when the error says enough by itself.</returns>
    public static string? Of(KimgFailure failure, bool hasDockerfile, string registry)
    {
        string baseSetting = hasDockerfile ? "the Dockerfile" : "ContainerBaseImage";
        return failure.Code switch
        {
            _ when failure.Line > 0 => null,
            "KIMG1002" => "KimgPlatforms",
            "KIMG1003" => "ContainerRepository or ContainerImageTag",
            "KIMG1005" => "KimgOutput",
            "KIMG1006" => "KimgCacheFrom or KimgCacheTo",
            "KIMG1008" or "KIMG1009" => "KimgContext or KimgBuildContext",
            "KIMG1010" => "KimgSecret or KimgSsh",
            "KIMG2001" => "KimgDockerfile",
            "KIMG2006" => "KimgTarget",
            "KIMG4005" => $"{baseSetting}, ContainerRuntimeIdentifier or KimgPlatforms",
            "KIMG4004" => baseSetting,
            "KIMG4001" or "KIMG4002" or "KIMG4003" or "KIMG4007" or "KIMG4009" or "KIMG4011" =>
                registry.Length > 0 && failure.Message.Contains(registry, StringComparison.Ordinal) ? "ContainerRegistry, or the credentials for it" : $"{baseSetting}, or the credentials for its registry",
            "KIMG7001" or "KIMG7002" or "KIMG7004" => "KimgStateDirectory",
            _ => null,
        };
    }
}
