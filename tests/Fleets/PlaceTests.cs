using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>Where kimg lives, and which version this is, is said in one place each: src/Action/release.json and Directory.Build.props. Files that people copy name both; all must agree.</summary>
public sealed partial class PlaceTests
{
    [Fact]
    public async Task Everything_that_names_the_repository_names_the_same_one_at_the_same_version()
    {
        string props = await File.ReadAllTextAsync(RepositoryFiles.Path("Directory.Build.props"));
        string version = Regex.Match(props, "<Version>(.*)</Version>").Groups[1].Value;
        using var release = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(RepositoryFiles.Path("src/Action/release.json")));
        string downloads = release.RootElement.GetProperty("downloads").GetString()!, place = Regex.Match(downloads, "^https://github.com/([^/]+/[^/]+)/releases/download$").Groups[1].Value;
        Assert.NotEmpty(place);
        Assert.Equal(version, release.RootElement.GetProperty("version").GetString());
        List<string> wrong = [];
        int seen = 0;
        foreach (string file in Files())
        {
            string text = await File.ReadAllTextAsync(RepositoryFiles.Path(file));
            foreach (Match match in Place().Matches(text))
            {
                seen++;
                if (match.Groups["place"].Value != place) wrong.Add($"{file}: {match.Value}");
                if (match.Groups["version"] is { Success: true, Value: var named } && named != version) wrong.Add($"{file}: {match.Value}, the version is {version}");
            }
        }

        Assert.Empty(wrong);
        Assert.True(seen > 20, $"only {seen} places were found");
    }

    [Theory]
    [InlineData("uses: kimg/kimg@v0.1.0", "kimg/kimg", "0.1.0")]
    [InlineData("image: ghcr.io/kimg/kimg:0.1.0-debug", "kimg/kimg", "0.1.0")]
    [InlineData("name: ghcr.io/kimg/kimg:debug", "kimg/kimg", "")]
    [InlineData("https://github.com/kimg/kimg/releases/download/v0.1.0/install.sh", "kimg/kimg", "0.1.0")]
    [InlineData("  kimg: kimg/kimg@0.1.0", "kimg/kimg", "0.1.0")]
    public void A_place_is_recognised(string text, string place, string version) =>
        Assert.Equal((place, version), (Place().Match(text).Groups["place"].Value, Place().Match(text).Groups["version"].Value));

    private static IEnumerable<string> Files()
    {
        string[] folders = ["docs", "deploy", "gitlab-ci-templates", "circleci-orb", "src/Action", ".github", "samples"], kinds = [".md", ".yml", ".yaml", ".sh", ".js", ".json", ".Dockerfile"];
        return folders.SelectMany(f => Directory.EnumerateFiles(RepositoryFiles.Path(f), "*", SearchOption.AllDirectories))
            .Concat([RepositoryFiles.Path("README.md"), RepositoryFiles.Path("action.yml")])
            .Where(f => kinds.Contains(Path.GetExtension(f))).Select(f => Path.GetRelativePath(RepositoryFiles.Root, f)).Where(f => !f.Split('/').Any(p => p is "bin" or "obj"));
    }

    // kimg's own addresses: on GitHub, in its registry, as an action, as an orb.
    [GeneratedRegex(@"(?:(?:github\.com|ghcr\.io)/|(?<=uses: )|(?<=kimg: ))(?<place>[\w.-]+/kimg)\b(?:@v?|:|/releases/download/v)?(?<version>(?<=[@:v])\d+\.\d+\.\d+)?")]
    private static partial Regex Place();
}
