using System.Text.RegularExpressions;

namespace Kimg.Ci.Metadata;

/// <summary>A version in one of the two notations, as patterns see it.</summary>
/// <param name="Raw">As it was given.</param>
/// <param name="Clean">Normalized, without v and build metadata.</param>
/// <param name="Final">No pre-, post- or development release.</param>
internal sealed partial record Versions(string Raw, string Clean, string Major, string Minor, string Patch, bool Final)
{
    /// <summary>Semantic versioning 2.0.0, with a leading v as npm's semver takes it.</summary>
    public static Versions? Semantic(string text)
    {
        Match m = SemanticPattern().Match(text);
        if (!m.Success) return null;
        string core = $"{m.Groups[1].Value}.{m.Groups[2].Value}.{m.Groups[3].Value}", pre = m.Groups[4].Value;
        return new Versions(text, pre.Length > 0 ? $"{core}-{pre}" : core, m.Groups[1].Value, m.Groups[2].Value, m.Groups[3].Value, pre.Length == 0);
    }

    /// <summary>PEP 440, normalized as it says ("1.0-alpha.1" is "1.0a1").</summary>
    public static Versions? Python(string text)
    {
        Match m = PythonPattern().Match(text.Trim());
        if (!m.Success) return null;
        string Group(string name) => m.Groups[name].Value.ToLowerInvariant();
        string[] release = [.. Group("release").Split('.').Select(Number)];
        bool pre = m.Groups["pre"].Success, post = m.Groups["post"].Success, dev = m.Groups["dev"].Success;
        string clean = (Number(Group("epoch")) is var epoch && epoch != "0" ? epoch + "!" : "") + string.Join('.', release);
        if (pre) clean += (Group("letter")[0] switch { 'a' => "a", 'b' => "b", _ => "rc" }) + Number(Group("prenumber"));
        if (post) clean += ".post" + Number(Group("implicit") + Group("postnumber"));
        if (dev) clean += ".dev" + Number(Group("devnumber"));
        if (m.Groups["local"].Success) clean += "+" + Group("local").Replace('-', '.').Replace('_', '.');
        string Part(int i) => i < release.Length ? release[i] : "0";
        return new Versions(text, clean, Part(0), Part(1), Part(2), !pre && !post && !dev);
    }

    private static string Number(string digits) => digits.TrimStart('0') is { Length: > 0 } number ? number : "0";

    [GeneratedRegex(@"^[v=\s]*(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9A-Za-z.-]+)?\z")]
    private static partial Regex SemanticPattern();

    [GeneratedRegex(
        @"^v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?<pre>[-_.]?(?<letter>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?<prenumber>\d+)?)?"
            + @"(?<post>-(?<implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?<postnumber>\d+)?)?(?<dev>[-_.]?dev[-_.]?(?<devnumber>\d+)?)?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PythonPattern();
}
