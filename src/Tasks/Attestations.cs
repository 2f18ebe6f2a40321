using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>What can be said of an image beside the image, which kimg cannot do yet. Asked for, it is refused: an image without the signature that somebody
/// relies on is worse than none.</summary>
internal static class Attestations
{
    /// <exception cref="KimgException">UnsupportedFeature.</exception>
    public static void Check(string sbom, string provenance, string sign, string signingKey)
    {
        Refuse("KimgSbom", sbom, "bills of materials");
        Refuse("KimgProvenance", provenance, "provenance");
        Refuse("KimgSign", sign, "signatures");
        Refuse("KimgSigningKey", signingKey, "signatures");
    }

    private static void Refuse(string setting, string value, string what)
    {
        if (value.Length == 0 || value.Equals("false", StringComparison.OrdinalIgnoreCase)) return;
        throw new KimgException(ErrorCode.UnsupportedFeature, $"{setting}: kimg makes no {what} yet")
        {
            Hint = $"leave {setting} out until it does; docs/msbuild.md says when",
        };
    }
}
