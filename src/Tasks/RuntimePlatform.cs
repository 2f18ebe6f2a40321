using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Runtime identifiers (linux-x64) as platforms (linux/amd64).</summary>
internal static class RuntimePlatform
{
    private static readonly string[] s_foreign = ["win", "osx", "maccatalyst", "ios", "tvos", "android", "browser", "wasi", "freebsd", "illumos", "solaris", "haiku"];

    /// <exception cref="KimgException">UnsupportedProject.</exception>
    public static Platform Parse(string setting, string identifier)
    {
        string[] parts = identifier.Split('-');
        string? platform = parts[^1] switch
        {
            "x64" => "linux/amd64",
            "x86" => "linux/386",
            "arm64" => "linux/arm64",
            "arm" => "linux/arm/v7",
            "armel" => "linux/arm/v6",
            "s390x" => "linux/s390x",
            "ppc64le" => "linux/ppc64le",
            "riscv64" => "linux/riscv64",
            "loongarch64" => "linux/loong64",
            _ => null,
        };
        bool foreign = s_foreign.Any(os => parts[0].StartsWith(os, StringComparison.Ordinal));
        if (platform is not null && parts.Length > 1 && !foreign) return Platform.Parse(platform);
        throw new KimgException(ErrorCode.UnsupportedProject, $"{setting}: no image can be made for '{identifier}'")
        {
            Hint = foreign ? "kimg makes Linux images; set it to linux-x64 or linux-arm64" : "it is a runtime identifier such as linux-x64, linux-arm64 or linux-musl-x64",
        };
    }

    /// <summary>Of several identifiers the one that stands for them all when there is one publish: it says what C library the base is to have.</summary>
    /// <returns>Empty when there is nothing to choose from.</returns>
    public static string First(string[] identifiers)
    {
        if (identifiers.Length == 0) return "";
        string here = "linux-" + RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
        return identifiers.FirstOrDefault(identifier => identifier.StartsWith("linux-", StringComparison.Ordinal)) ?? here;
    }
}
