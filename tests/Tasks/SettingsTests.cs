using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Which property an error of kimg is about, and which settings mean nothing.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("KIMG1001", "invalid value 'x' for --isolation", "KimgIsolation")]
    [InlineData("KIMG1001", "unknown option '--frob' for kimg build", "KimgBuildOptions")]
    [InlineData("KIMG1001", "invalid value 'x' for --ulimit", "KimgBuildOptions")]
    [InlineData("KIMG1007", "--sbom=true is not supported", "KimgSbom")]
    [InlineData("KIMG1007", "something else", null)]
    [InlineData("KIMG4002", "manifest 'docker.io/me/y': registry 'registry-1.docker.io' refuses", "KimgImageNames, or the credentials for it")]
    [InlineData("KIMG4002", "registry 'base.example' refuses", "ContainerFamily or ContainerBaseImage, or the credentials for its registry")]
    public void An_error_names_the_property_it_comes_from(string code, string message, string? setting)
    {
        var settings = new Settings { Base = Settings.BaseOf("alpine"), Registries = Settings.RegistriesOf(["me/y:1", "other.example/y:1"]), Names = "KimgImageNames", BuildOptions = ["--ulimit=x"] };
        Assert.Equal(setting, settings.Of(new KimgFailure(code, message, null)));
    }

    [Fact]
    public void A_place_in_a_dockerfile_says_enough() => Assert.Null(new Settings().Of(new KimgFailure("KIMG4005", "m", null) { Line = 3 }));

    [Theory]
    [InlineData("Dockerfile", false, "ContainerBaseImage,ContainerUser")]
    [InlineData("Dockerfile", true, "ContainerBaseImage,ContainerUser,KimgBaseDockerfile")]
    [InlineData("Project", true, "KimgDockerfile,KimgTarget,KimgPublish,KimgBaseDockerfile")]
    [InlineData("DockerfileBase", true, "ContainerBaseImage,KimgDockerfile,KimgPublish")]
    [InlineData("DockerfileBase", false, "ContainerBaseImage,KimgPublish")]
    public void What_a_mode_does_not_use_is_pointed_out(string mode, bool hasBase, string unused) => Assert.Equal(
        unused, string.Join(',', UnusedSettings.Of(mode, ["ContainerBaseImage", "ContainerUser"], ["KimgDockerfile", "KimgTarget", "KimgPublish"], hasBase)));
}
