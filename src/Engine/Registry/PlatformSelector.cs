using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Index + platform → the manifest to use, by containerd's rules: the platform itself, then the older variants it also runs,
/// then the 32-bit architecture of the same family.</summary>
internal static class PlatformSelector
{
    /// <param name="name">The image's name, for the message.</param>
    /// <exception cref="KimgException">PlatformNotFound, listing what there is.</exception>
    public static Descriptor Select(ImageIndex index, Platform platform, string name)
    {
        if (TrySelect(index, platform) is { } found) return found;
        string available = string.Join(", ", index.Manifests.Where(IsImage).Select(m => m.Platform!.ToPlatform().ToString()).Distinct());
        throw new KimgException(ErrorCode.PlatformNotFound, $"no image for {platform} in '{name}'")
        {
            Hint = available.Length == 0 ? "the index names no platform" : $"it has {OneLine.Of(available, 500)}",
        };
    }

    public static Descriptor? TrySelect(ImageIndex index, Platform platform)
    {
        foreach (Platform candidate in Acceptable(platform))
        {
            if (index.Manifests.FirstOrDefault(m => IsImage(m) && Serves(candidate, m.Platform!.ToPlatform())) is { } found) return found;
        }

        // Some tools write an index around a single image without saying what it is for.
        Descriptor[] unnamed = [.. index.Manifests.Where(m => m.Platform is null && MediaTypes.IsManifest(m.MediaType) && m.ArtifactType is null)];
        return unnamed.Length == 1 ? unnamed[0] : null;
    }

    /// <summary>Best first.</summary>
    internal static ImmutableArray<Platform> Acceptable(Platform platform)
    {
        Platform wanted = Platform.Normalize(platform.Os, platform.Architecture, platform.Variant) with { OsVersion = platform.OsVersion };
        return wanted.Architecture switch
        {
            "amd64" => [.. Down(wanted, from: Number(wanted.Variant) ?? 1, to: 1), wanted with { Architecture = "386", Variant = null }],
            "arm" when Number(wanted.Variant) is { } version => [.. Down(wanted, version, to: 5)],
            "arm64" => [.. Arm64(wanted), .. Down(wanted with { Architecture = "arm" }, from: 8, to: 5)],
            _ => [wanted],
        };
    }

    // v9.N has all that v8.N+5 has (Arm's architecture reference manual; containerd has the same table).
    private static IEnumerable<Platform> Arm64(Platform wanted)
    {
        if (wanted.Variant is ['v', '9', ..])
        {
            int minor = Minor(wanted.Variant);
            for (int m = minor; m >= 0; m--) yield return wanted with { Variant = m == 0 ? "v9" : $"v9.{m}" };
            for (int m = minor + 5; m >= 1; m--) yield return wanted with { Variant = $"v8.{m}" };
        }
        else if (wanted.Variant is not null)
        {
            for (int m = Minor(wanted.Variant); m >= 1; m--) yield return wanted with { Variant = $"v8.{m}" };
        }

        yield return wanted with { Variant = null };
    }

    private static int Minor(string variant) => variant is ['v', _, '.', >= '0' and <= '9'] ? variant[3] - '0' : 0;

    private static IEnumerable<Platform> Down(Platform wanted, int from, int to)
    {
        for (int version = from; version >= to; version--)
            yield return Platform.Normalize(wanted.Os, wanted.Architecture, "v" + version) with { OsVersion = wanted.OsVersion };
    }

    private static int? Number(string? variant) => variant is ['v', >= '1' and <= '9'] ? variant[1] - '0' : null;

    // Windows images run where the build number is the same; the revision after it does not matter.
    private static bool Serves(Platform candidate, Platform image) =>
        candidate with { OsVersion = null } == image with { OsVersion = null }
        && (candidate.OsVersion is null || image.OsVersion is null || Build(candidate.OsVersion) == Build(image.OsVersion));

    private static string Build(string version) => string.Join('.', version.Split('.').Take(3));

    private static bool IsImage(Descriptor descriptor) =>
        descriptor.Platform is { Os: not (null or "unknown"), Architecture: not null }
        && (MediaTypes.IsManifest(descriptor.MediaType) || MediaTypes.IsIndex(descriptor.MediaType));
}
