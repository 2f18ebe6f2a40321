using System.Text;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class RegistriesConfTests : IDisposable
{
    private const string Index = """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""";

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Reads_registries_and_their_mirrors()
    {
        IReadOnlyList<RegistryRule> rules = RegistriesConf.Parse("""
            # a comment
            unqualified-search-registries = ["docker.io", 'quay.io'] # not used here
            short-name-mode = "enforcing"

            [[registry]]
            prefix = "quay.io/team"
            location = 'mirror.example:5000/team'
            insecure = true

            [[registry.mirror]]
            location = "m1.example/x/"
            [[registry.mirror]]
            location = "m2.example"
            insecure = true
            pull-from-mirror = "tag-only"

            [[registry]]
            location = "bad.example"
            blocked = true
            mirror-by-digest-only = true
            [[registry.mirror]]
            location = "m3.example"

            [aliases]
            "alpine" = "docker.io/library/alpine"
            """, "r.conf");
        Assert.Equal(["quay.io/team", "bad.example"], rules.Select(r => r.Prefix));
        Assert.Equal(("mirror.example:5000/team", true, false), (rules[0].Location, rules[0].Insecure, rules[0].Blocked));
        Assert.Equal([new RegistryMirror("m1.example/x"), new RegistryMirror("m2.example", true, MirrorUse.TagOnly)], rules[0].Mirrors.AsEnumerable());
        Assert.Equal((null, true), (rules[1].Location, rules[1].Blocked));
        Assert.Equal(MirrorUse.DigestOnly, Assert.Single(rules[1].Mirrors).Use);
    }

    [Theory]
    [InlineData("[[registry]]\nlocatoin = \"a\"", 2, "did you mean 'location'")]
    [InlineData("[[registry]]\nlocation = a", 2, "a value is expected")]
    [InlineData("[[registry]]\nlocation = \"a", 2, "closing quote")]
    [InlineData("[[registry]]\ninsecure = \"true\"\nlocation = \"a\"", 2, "not a boolean")]
    [InlineData("[[registry]]\ninsecure = true", 1, "needs a prefix or a location")]
    [InlineData("[[registry]]\nlocation = \"a\"\nlocation = \"b\"", 3, "set twice")]
    [InlineData("\n[registries.search]\nregistries = []", 2, "version 1")]
    [InlineData("[[registry.mirror]]\nlocation = \"a\"", 1, "unknown table")]
    [InlineData("[[registry]]\nlocation = \"a\"\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"never\"", 3, "digest-only")]
    [InlineData("[[registry]\nlocation = \"a\"", 1, "']]' is missing")]
    [InlineData("[[registry]] x", 1, "does not end")]
    [InlineData("a = [1, 2", 1, "value is expected|',' or ']'")]
    public void What_is_wrong_is_named_with_its_line(string text, int line, string words)
    {
        KimgException error = Assert.Throws<KimgException>(() => RegistriesConf.Parse(text, "r.conf"));
        Assert.Equal(ErrorCode.InvalidConfigurationFile, error.Code);
        Assert.Contains($"'r.conf', line {line}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(words.Split('|'), word => $"{error.Message} {error.Hint}".Contains(word, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("quay.io", "team/app", "quay.io/team")]
    [InlineData("quay.io", "teams/app", "quay.io")]
    [InlineData("quay.io", "team", "quay.io/team")]
    [InlineData("a.b.example", "x", "*.example")]
    [InlineData("example", "x", null)]
    [InlineData("quay.io:5000", "x", null)]
    public void The_longest_prefix_that_fits_decides(string registry, string repository, string? prefix)
    {
        RegistryRule[] rules = [new("quay.io"), new("quay.io/team"), new("*.example")];
        Assert.Equal(prefix, RegistryRule.Find(rules, registry, repository)?.Prefix);
    }

    [Fact]
    public void The_users_file_comes_before_the_machines_and_later_files_replace_rules()
    {
        Write("etc/registries.conf", "[[registry]]\nlocation = \"machine.example\"");
        Write("etc/registries.conf.d/10.conf", "[[registry]]\nprefix = \"a.example\"\nlocation = \"b.example\"");
        Assert.Equal(["registries.conf", "10.conf"], RegistriesConf.FindFiles(null, _temp["home"], _temp["etc"]).Select(Path.GetFileName));
        Write("home/.config/containers/registries.conf", "");
        Write("home/.config/containers/registries.conf.d/20.conf", "[[registry]]\nprefix = \"a.example\"\nlocation = \"c.example\"");
        RegistryRule rule = Assert.Single(RegistriesConf.Load(RegistriesConf.FindFiles(null, _temp["home"], _temp["etc"])));
        Assert.Equal("c.example", rule.Location);
        Assert.Equal([_temp["other"]], RegistriesConf.FindFiles(_temp["other"], _temp["home"], _temp["etc"]).AsEnumerable());
        Assert.Equal(ErrorCode.InvalidConfigurationFile, Assert.Throws<KimgException>(() => RegistriesConf.Load([_temp["other"]])).Code);
    }

    [Fact]
    public async Task A_location_stands_in_the_prefixs_place_for_reads_and_mirrors_come_first()
    {
        await using TestRegistry real = TestRegistry.Start(), mirror = TestRegistry.Start();
        await PutAsync(real, "deep/place/app");
        using RegistryClient client = Client($"""
            [[registry]]
            prefix = "quay.example/team"
            location = "{real.Host}/deep/place"
            [[registry.mirror]]
            location = "{mirror.Host}/copies"
            """);
        ImageReference name = ImageReference.Parse("quay.example/team/app:1");
        Assert.Equal(Digest.Sha256(Index), (await client.ResolveAsync(name, CancellationToken.None)).Digest);
        Assert.Contains("HEAD /v2/copies/app/manifests/1", mirror.Requests);
        Assert.Contains("HEAD /v2/deep/place/app/manifests/1", real.Requests);
        await PutAsync(mirror, "copies/app");
        real.Requests.Clear();
        Assert.Equal(Digest.Sha256(Index), (await client.ResolveAsync(name, CancellationToken.None)).Digest);
        Assert.Empty(real.Requests);
    }

    [Fact]
    public async Task A_blocked_registry_is_not_asked()
    {
        await using TestRegistry registry = TestRegistry.Start();
        using RegistryClient client = Client($"[[registry]]\nlocation = \"{registry.Host}/bad\"\nblocked = true");
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => client.ResolveAsync(ImageReference.Parse($"{registry.Host}/bad/app:1"), CancellationToken.None));
        Assert.Equal(ErrorCode.PolicyViolation, error.Code);
        Assert.Contains("registries.conf", error.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Requests);
        Assert.Null(await client.FindAsync(ImageReference.Parse($"{registry.Host}/good/app:1"), CancellationToken.None));
    }

    private static async Task PutAsync(TestRegistry registry, string repository) =>
        (await registry.PutManifestAsync(repository, "1", Encoding.UTF8.GetBytes(Index), MediaTypes.OciIndex)).EnsureSuccessStatusCode();

    private RegistryClient Client(string configuration)
    {
        Write("registries.conf", configuration);
        return new RegistryClient(Scripts.Options with { ConfigurationFiles = [_temp["registries.conf"]] });
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_temp[path])!);
        File.WriteAllText(_temp[path], text);
    }
}
