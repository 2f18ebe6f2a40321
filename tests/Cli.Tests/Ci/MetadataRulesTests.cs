using System.Collections.Immutable;
using Kimg.Ci.Hosts;
using Kimg.Ci.Metadata;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

/// <summary>Expected values follow from docker/metadata-action's documentation.</summary>
public sealed class MetadataRulesTests
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 4, 15, 6, 7, TimeSpan.Zero);

    [Theory]
    [InlineData("refs/heads/main", "type=ref,event=branch", "main")]
    [InlineData("refs/heads/feature/a_b", "type=ref,event=branch", "feature-a_b")]
    [InlineData("refs/heads/main", "type=ref,event=tag", "")]
    [InlineData("refs/tags/v1.2.3", "type=ref,event=tag", "v1.2.3 latest")]
    [InlineData("refs/pull/7/merge", "type=ref,event=pr", "pr-7")]
    [InlineData("refs/pull/7/merge", "type=ref,event=pr,prefix=", "7")]
    [InlineData("refs/tags/v1.2.3", "type=semver,pattern={{version}}", "1.2.3 latest")]
    [InlineData("refs/tags/v1.2.3", "type=semver,pattern={{raw}}", "v1.2.3 latest")]
    [InlineData("refs/tags/v1.2.3", "type=semver,pattern={{major}}.{{minor}}", "1.2 latest")]
    [InlineData("refs/tags/v1.2.3", "type=semver,pattern=v{{major}}", "v1 latest")]
    [InlineData("refs/tags/v2.0.0-rc.1", "type=semver,pattern={{major}}", "2.0.0-rc.1")]
    [InlineData("refs/tags/v2.0.0-rc.1", "type=semver,pattern={{raw}}", "v2.0.0-rc.1")]
    [InlineData("refs/tags/v2.0.0+build.5", "type=semver,pattern={{version}}", "2.0.0 latest")]
    [InlineData("refs/tags/p1/v1.2.3", "type=semver,pattern={{version}},match=v(.+)", "1.2.3 latest")]
    [InlineData("refs/heads/main", "type=semver,pattern={{version}}", "")]
    [InlineData("refs/heads/main", "type=semver,pattern={{major}},value=v3.4.5", "3 latest")]
    [InlineData("refs/tags/nightly", "type=semver,pattern={{version}}", "")]
    [InlineData("refs/tags/1.2.3.post1", "type=pep440,pattern={{version}}", "1.2.3.post1")]
    [InlineData("refs/tags/v1.2-alpha.3", "type=pep440,pattern={{major}}", "1.2a3")]
    [InlineData("refs/tags/1.2.3", "type=pep440,pattern={{major}}.{{minor}}", "1.2 latest")]
    [InlineData("refs/tags/1.2.3rc2", "type=pep440,pattern={{raw}}", "1.2.3rc2")]
    [InlineData("refs/tags/v1.2.3", @"type=match,pattern=\d.\d.\d", "1.2.3 latest")]
    [InlineData("refs/tags/v1.2.3", @"type=match,pattern=v(\d.\d),group=1", "1.2 latest")]
    [InlineData("refs/tags/V1", @"type=match,pattern=/^v(\d)$/i,group=1", "1 latest")]
    [InlineData("refs/tags/v1.2", @"type=match,pattern=(?<all>v(\d+)).(\d+),group=1", "v1 latest")]
    [InlineData("refs/tags/v1.2", @"type=match,pattern=(?<all>v(\d+)).(\d+),group=2", "1 latest")]
    [InlineData("refs/tags/v1.2", @"type=match,pattern=(?<all>v(\d+)).(\d+),group=3", "2 latest")]
    [InlineData("refs/tags/v1.2", @"type=match,pattern=(?<all>v(\d+)).(\d+),group=4", "")]
    [InlineData("refs/tags/a-b-b-a", @"type=match,pattern=(?<one>a)-(b)-\2-\k<one>,group=2", "b latest")]
    [InlineData("refs/tags/((x", @"type=match,pattern=[(]\((?<n>x)(?:$)(?<!y),group=1", "x latest")]
    [InlineData("refs/tags/p/v1.2.3", "type=semver,pattern={{version}},match=(?<all>v(.+)$)", "1.2.3 latest")]
    [InlineData("refs/heads/main", "type=edge", "edge")]
    [InlineData("refs/heads/dev", "type=edge", "")]
    [InlineData("refs/heads/dev", "type=edge,branch=dev", "edge")]
    [InlineData("refs/heads/main", "type=sha", "sha-0123456")]
    [InlineData("refs/heads/main", "type=sha,format=long,prefix=", "0123456789abcdef0123456789abcdef01234567")]
    [InlineData("refs/heads/main", "foo", "foo")]
    [InlineData("refs/heads/main", "type=raw,value=a,enable={{is_default_branch}}", "a")]
    [InlineData("refs/heads/dev", "type=raw,value=a,enable={{is_default_branch}}", "")]
    [InlineData("refs/heads/dev", "type=raw,value=a,enable={{is_not_default_branch}}", "a")]
    [InlineData("refs/heads/main", "type=raw,value={{branch}}-{{sha}}-{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "main-0123456-20260305-000607")]
    [InlineData("refs/heads/main", "type=raw,value={{commit_date 'YY.M.D[at]h'}}", "26.1.2at3")]
    public void A_rule_gives_these_tags(string reference, string rule, string tags) => Assert.Equal(tags, string.Join(' ', Apply(reference, [rule]).TagNames));

    [Fact]
    public void Without_rules_there_are_those_for_branches_tags_pull_requests_and_schedules()
    {
        Assert.Equal(["nightly", "main"], Apply("refs/heads/main", [], "schedule").TagNames.ToArray());
        Assert.Equal(["pr-12"], Apply("refs/pull/12/merge", []).TagNames.ToArray());
    }

    [Fact]
    public void The_highest_priority_is_the_version_and_every_image_gets_every_tag()
    {
        MetadataResult result = MetadataRules.Apply(
            new MetadataInput { Images = ["ghcr.io/Team/App", "name=r.example/app,enable=true", "name=no,enable=false"], Tags = ["type=sha", "type=semver,pattern={{version}}", "type=raw,value=x,priority=1000"] },
            Facts("refs/tags/v1.0.0", "push"), s_now);
        Assert.Equal("x", result.Version);
        Assert.Equal(["x", "1.0.0", "sha-0123456"], result.TagNames.ToArray());
        Assert.Equal(["ghcr.io/team/app:x", "ghcr.io/team/app:1.0.0", "ghcr.io/team/app:sha-0123456", "r.example/app:x", "r.example/app:1.0.0", "r.example/app:sha-0123456"], result.Tags.ToArray());
    }

    [Theory]
    [InlineData("latest=true", "main latest")]
    [InlineData("latest=false", "main")]
    [InlineData("prefix=p-|suffix=-s", "p-main-s")]
    [InlineData("latest=true|prefix=p-,onlatest=true", "p-main p-latest")]
    public void Flavors_are_for_all_rules(string flavor, string tags) =>
        Assert.Equal(tags, string.Join(' ', MetadataRules.Apply(
            new MetadataInput { Flavor = [.. flavor.Split('|')], Tags = ["type=ref,event=branch"] }, Facts("refs/heads/main", "push"), s_now).TagNames));

    [Fact]
    public void Labels_say_where_the_image_comes_from()
    {
        ImmutableSortedDictionary<string, string> labels = MetadataRules.Apply(
            new MetadataInput { Tags = ["v1"], Labels = ["org.opencontainers.image.title=Mine", "at={{branch}}"] }, Facts("refs/heads/main", "push"), s_now).Labels;
        Assert.Equal("Mine", labels["org.opencontainers.image.title"]);
        Assert.Equal("main", labels["at"]);
        Assert.Equal("v1", labels["org.opencontainers.image.version"]);
        Assert.Equal("2026-01-02T03:04:05.000Z", labels["org.opencontainers.image.created"]);
    }

    [Fact]
    public void Labels_of_a_commit_whose_date_is_not_known_do_not_change_with_the_clock()
    {
        CiFacts facts = Facts("refs/heads/main", "push") with { CommitDate = null, Url = "https://git.example/o/r.git" };
        ImmutableSortedDictionary<string, string> labels = MetadataRules.Apply(new MetadataInput { Tags = ["v1"] }, facts, s_now).Labels;
        Assert.Equal(labels, MetadataRules.Apply(new MetadataInput { Tags = ["v1"] }, facts, s_now.AddDays(1)).Labels);
        Assert.DoesNotContain("org.opencontainers.image.created", labels.Keys);
        Assert.Equal("https://git.example/o/r", labels["org.opencontainers.image.url"]);
        Assert.Equal("https://git.example/o/r.git", labels["org.opencontainers.image.source"]);
    }

    [Theory]
    [InlineData("type=semvre,pattern=x", "unknown type 'semvre'")]
    [InlineData("type=semver", "pattern= is missing")]
    [InlineData("type=ref,event=brunch", "unknown event 'brunch'")]
    [InlineData("type=raw,value={{brunch}}", "unknown name 'brunch'")]
    [InlineData("type=raw,value={{date", "is not understood")]
    [InlineData("type=raw,value={{date 'YYYY' tz='Moon/Base'}}", "unknown time zone 'Moon/Base'")]
    [InlineData("type=match,pattern=(", "invalid tag rule")]
    [InlineData("type=raw,value=a,enable=maybe", "enable= is 'maybe'")]
    public void A_rule_that_is_wrong_is_an_error(string rule, string message) =>
        Assert.Contains(message, Assert.Throws<KimgException>(() => Apply("refs/tags/v1", [rule])).Message, StringComparison.Ordinal);

    private static MetadataResult Apply(string reference, ImmutableArray<string> rules, string what = "push") =>
        MetadataRules.Apply(new MetadataInput { Tags = rules }, Facts(reference, what), s_now);

    private static CiFacts Facts(string reference, string what) => new()
    {
        Ref = reference, Event = what, Commit = "0123456789abcdef0123456789abcdef01234567", DefaultBranch = "main", Repository = "app", CommitDate = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
    };
}
