using System.Runtime.InteropServices;

namespace Kimg.Engine.Primitives;

/// <summary>Operating system, architecture and variant in the OCI (Go) spelling, normalised as containerd does:
/// <c>x86_64</c> is <c>amd64</c>, <c>aarch64</c> and <c>arm64/v8</c> are <c>arm64</c>, <c>arm</c> is <c>arm/v7</c>.</summary>
public sealed record Platform(string Os, string Architecture, string? Variant = null, string? OsVersion = null)
{
    public static Platform Host { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        System.Runtime.InteropServices.Architecture.Arm => "arm",
        System.Runtime.InteropServices.Architecture.S390x => "s390x",
        System.Runtime.InteropServices.Architecture.Ppc64le => "ppc64le",
        System.Runtime.InteropServices.Architecture.LoongArch64 => "loong64",
        System.Runtime.InteropServices.Architecture.RiscV64 => "riscv64",
        _ => "unknown",
    }, RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm ? "v7" : null);

    private static readonly string[] s_knownOs = ["linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "wasip1", "js"];

    private static readonly string[] s_knownArchitectures =
        ["amd64", "arm64", "arm", "386", "ppc64le", "ppc64", "s390x", "riscv64", "loong64", "mips64le", "mips64", "wasm"];

    /// <summary>Parses <c>os/arch[/variant]</c>, <c>os</c> or <c>arch</c> alone.</summary>
    /// <exception cref="KimgException">Empty, more than three parts, or characters outside <c>[A-Za-z0-9_.-]</c>.</exception>
    public static Platform Parse(string text)
    {
        string[] parts = text.ToLowerInvariant().Split('/');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0 || p.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))))
            throw Invalid(text);
        if (parts.Length == 1)
        {
            Platform onlyArchitecture = Normalize("linux", parts[0], null);
            if (s_knownArchitectures.Contains(onlyArchitecture.Architecture)) return onlyArchitecture;
            if (s_knownOs.Contains(parts[0])) return Normalize(parts[0], Host.Architecture, Host.Variant);
            throw Invalid(text);
        }

        return Normalize(parts[0], parts[1], parts.Length > 2 ? parts[2] : null);
    }

    /// <summary>The same platform in its canonical spelling.</summary>
    public static Platform Normalize(string os, string architecture, string? variant)
    {
        (string arch, string? var) = (architecture, variant) switch
        {
            ("x86_64" or "x86-64" or "amd64", "v1" or null or "") => ("amd64", null),
            ("x86_64" or "x86-64" or "amd64", _) => ("amd64", variant),
            ("aarch64" or "arm64", "8" or "v8" or null or "") => ("arm64", null),
            ("aarch64" or "arm64", _) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", null or "" or "7") => ("arm", "v7"),
            ("arm", "5" or "6" or "8") => ("arm", "v" + variant),
            ("i386" or "386", _) => ("386", null),
            _ => (architecture, string.IsNullOrEmpty(variant) ? null : variant),
        };
        return new Platform(os == "macos" ? "darwin" : os, arch, var);
    }

    /// <summary>True when an image for <paramref name="image"/> serves a build for this platform (same os and architecture,
    /// same variant; a missing variant on the image's side of arm64 and amd64 means the base one).</summary>
    public bool Matches(Platform image)
    {
        Platform a = Normalize(Os, Architecture, Variant), b = Normalize(image.Os, image.Architecture, image.Variant);
        return a.Os == b.Os && a.Architecture == b.Architecture && a.Variant == b.Variant
            && (OsVersion is null || image.OsVersion is null || OsVersion == image.OsVersion);
    }

    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    private static KimgException Invalid(string text) => new(ErrorCode.InvalidPlatform, $"invalid platform '{text}'")
    {
        Hint = "a platform looks like linux/amd64 or linux/arm/v7"
            + (Suggestion.Nearest(text, [.. s_knownArchitectures.Select(a => "linux/" + a)]) is { } near ? $"; did you mean '{near}'?" : ""),
    };
}
