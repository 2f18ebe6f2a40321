using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Which registries get the credentials that the SDK's variables hold.</summary>
public sealed class CredentialRegistryTests
{
    [Theory]
    [InlineData("reg.example", "", "reg.example")]
    [InlineData("", "one.example/app:1 localhost:5000/app two.example:80/a/b", "one.example localhost:5000 two.example:80")]
    [InlineData("reg.example", "reg.example/app:1 localhost/app", "reg.example localhost")]
    [InlineData("", "app:1.2 me/app", "")]
    [InlineData("", "docker.io/me/app", "docker.io")]
    public void Those_that_the_project_names_and_no_others(string registry, string names, string expected) =>
        Assert.Equal(expected, string.Join(' ', ImageNaming.Registries(registry, names.Split(' '))));

    [Fact]
    public void Each_of_them_has_the_credentials()
    {
        var environment = new Dictionary<string, string?>
        {
            ["DOTNET_CONTAINER_REGISTRY_UNAME"] = "u", ["DOTNET_CONTAINER_REGISTRY_PWORD"] = "p", [SdkCredentials.PushRegistry] = "a.example b.example:1",
        };
        SdkCredentials.Translate(environment);
        Assert.Equal("""{"auths":{"a.example":{"auth":"dTpw"},"b.example:1":{"auth":"dTpw"}}}""", environment["DOCKER_AUTH_CONFIG"]);
    }
}
