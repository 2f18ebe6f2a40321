using System.Text.RegularExpressions;
using Kimg.Engine.Dockerfile;
using Xunit;

namespace Kimg.Engine.Tests.Dockerfile;

/// <summary>docs/lint: a page for each rule, whose bad example breaks that rule and no other, and whose good one breaks none.</summary>
public sealed partial class LintPageTests
{
    private static readonly string s_folder = Path.Combine(VectorCase.Repository, "docs", "lint");

    public static TheoryData<string> Rules => [.. LintRules.All.Select(r => r.Name)];

    [Theory, MemberData(nameof(Rules))]
    public async Task Examples_show_the_rule(string rule)
    {
        MatchCollection examples = ExamplePattern().Matches(File.ReadAllText(Path.Combine(s_folder, rule + ".md")));
        Assert.Equal(2, examples.Count);
        CheckResult bad = await CheckAsync(examples[0].Groups[1].Value), good = await CheckAsync(examples[1].Groups[1].Value);
        Assert.Null(good.Error);
        Assert.Equal([rule], bad.Warnings.Select(w => w.Rule).Distinct().ToArray());
        Assert.Empty(good.Warnings);
    }

    [Fact]
    public void Every_rule_has_its_page_and_every_page_its_rule() =>
        Assert.Equal(
            LintRules.All.Select(r => r.Name).Append("README").Order(StringComparer.Ordinal),
            Directory.GetFiles(s_folder, "*.md").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal));

    private static Task<CheckResult> CheckAsync(string dockerfile)
    {
        var host = new FakeHost();
        host.Images["only-arm64:latest"] = FakeHost.DefaultConfig with { Architecture = "arm64" };
        FrontendOptions options = FakeHost.Options with { IgnorePatterns = ["secret.txt"] };
        return DockerfileFrontend.CheckAsync(dockerfile, "Dockerfile", options, host, CancellationToken.None);
    }

    [GeneratedRegex("```dockerfile\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ExamplePattern();
}
