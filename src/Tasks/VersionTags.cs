using Kimg.Engine.Primitives;
using NuGet.Versioning;

namespace Kimg.Tasks;

/// <summary>Tags from a version: 1.2.3 → 1.2.3, 1.2, 1, latest, as chosen. A pre-release is only ever itself: it must not move 1.2 or latest.</summary>
internal static class VersionTags
{
    private static readonly string[] s_kinds = ["full", "minor", "major", "latest"];

    /// <param name="kinds">Any of full, minor, major, latest; or all.</param>
    /// <exception cref="KimgException">InvalidProjectProperty, InvalidProjectTag.</exception>
    public static IReadOnlyList<string> Of(string version, string[] kinds)
    {
        string[] chosen = [.. kinds.Select(kind => kind.Trim().ToLowerInvariant()).Where(kind => kind.Length > 0)];
        if (chosen is ["all"] or ["true"]) chosen = s_kinds;
        foreach (string kind in chosen)
        {
            if (!s_kinds.Contains(kind))
            {
                throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgTagsFromVersion: unknown kind of tag '{kind}'")
                {
                    Hint = "it is a list of full, minor, major, latest; or all",
                };
            }
        }

        if (!NuGetVersion.TryParse(version, out NuGetVersion? parsed))
        {
            throw new KimgException(ErrorCode.InvalidProjectTag, $"KimgTagsFromVersion: '{version}' is no version")
            {
                Hint = "set Version, PackageVersion or KimgVersion to something like 1.2.3 or 1.2.3-rc.1",
            };
        }

        string full = parsed.ToNormalizedString();
        var tags = new List<string>();
        foreach (string kind in s_kinds.Where(chosen.Contains))
        {
            if (kind == "full") tags.Add(full);
            else if (!parsed.IsPrerelease) tags.Add(kind switch { "minor" => $"{parsed.Major}.{parsed.Minor}", "major" => $"{parsed.Major}", _ => "latest" });
        }

        return tags.Count == 0 ? [full] : tags;
    }
}
