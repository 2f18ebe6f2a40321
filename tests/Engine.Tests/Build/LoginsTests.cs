using System.Collections.Frozen;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Against docker-registry with htpasswd.</summary>
public sealed class LoginsTests : IDisposable
{
    // bcrypt of "geheim".
    private const string Users = "me:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n";

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_login_is_tried_stored_used_and_forgotten()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync(Users);
        BuilderOptions options = Options();
        string where = await Logins.LoginAsync(options, registry.Host, "me", new Secret("geheim"));
        Assert.Equal(Path.Combine(_temp.Path, ".docker", "config.json"), where);

        var request = new BuildRequest
        {
            Context = new EmptyContext(),
            DockerfileText = "FROM scratch\nLABEL a=b\n",
            Names = [ImageReference.Parse($"{registry.Host}/private:1")],
            Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }],
        };
        await using (var builder = ImageBuilder.Create(options)) await builder.BuildAsync(request);
        Assert.True(await Logins.LogoutAsync(options, registry.Host));
        Assert.False(await Logins.LogoutAsync(options, registry.Host));
        await using var stranger = ImageCommands.Create(options);
        KimgException refused = await Assert.ThrowsAsync<KimgException>(() => stranger.InspectAsync(new RegistryLocation(request.Names[0]), null));
        Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
    }

    [Fact]
    public async Task A_wrong_password_is_not_stored()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync(Users);
        KimgException refused = await Assert.ThrowsAsync<KimgException>(() => Logins.LoginAsync(Options(), registry.Host, "me", new Secret("wrong")));
        Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
        Assert.DoesNotContain("wrong", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temp.Path));
    }

    [Fact]
    public async Task All_are_forgotten_at_once_and_the_rest_of_the_file_stays()
    {
        Directory.CreateDirectory(_temp[".docker"]);
        await File.WriteAllTextAsync(_temp[".docker/config.json"], """
            { "auths": { "https://index.docker.io/v1/": { "auth": "YTpi" }, "quay.io/team": { "auth": "YTpi" }, "a.example": { "auth": "YTpi" } }, "detachKeys": "x" }
            """);
        Assert.Equal(["a.example", "docker.io", "quay.io"], (await Logins.LogoutAllAsync(Options())).AsEnumerable());
        string left = await File.ReadAllTextAsync(_temp[".docker/config.json"]);
        Assert.DoesNotContain("YTpi", left, StringComparison.Ordinal);
        Assert.Contains("detachKeys", left, StringComparison.Ordinal);
        Assert.Empty(await Logins.LogoutAllAsync(Options()));
    }

    private BuilderOptions Options() => new()
    {
        StateDirectory = _temp["state"],
        Credentials = new CredentialOptions { Environment = FrozenDictionary<string, string>.Empty, HomeDirectory = _temp.Path, CloudMetadata = false },
    };
}
