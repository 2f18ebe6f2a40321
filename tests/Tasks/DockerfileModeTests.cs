using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Projects with a Dockerfile of their own: whose stages count, for what platform it is built, and that nothing new is nothing new.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class DockerfileModeTests(DotnetMachine machine)
{
    // Shaped as Visual Studio writes it, with files in the place of the compiler's.
    private const string VisualStudio = """
        # See https://aka.ms/customizecontainer: COPY --from=publish is below
        FROM mcr.microsoft.com/dotnet/two:latest AS base
        WORKDIR /app

        FROM base AS build
        ARG BUILD_CONFIGURATION=Release
        WORKDIR /src
        COPY ["WithDockerfile.csproj", "."]
        COPY . .

        FROM build AS publish
        ARG BUILD_CONFIGURATION=Release
        COPY Program.cs /app/publish/

        FROM base AS final
        WORKDIR /app
        COPY --from=publish /app/publish .
        ENTRYPOINT ["dotnet", "WithDockerfile.dll"]
        """;

    [Fact]
    public async Task Visual_studios_dockerfile_is_built_as_it_is_and_the_same_again_is_the_same_image_for_the_platform_that_was_asked_for()
    {
        string project = await machine.CopySampleAsync("dockerfile");
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), VisualStudio);
        await File.WriteAllTextAsync(Path.Combine(project, ".dockerignore"), "*.binlog\nrows.proj\nobj\nbin\n");
        (await machine.DotnetAsync(project, "restore")).Succeeded();
        string repository = $"docker://{machine.Registry}/samples/dockerfile";
        BuildRows rows = await BuildRows.RunAsync(
            machine, project,
            [
                "", "", $"!skopeo delete --tls-verify=false {repository}:latest", "",
                "KimgSourceDateEpoch=1600000000;ContainerImageTag=epoch;ContainerGenerateLabelsImageCreated=true", "KimgSourceDateEpoch=1600000000;ContainerImageTag=epoch",
                "ContainerRuntimeIdentifier=linux-arm64;ContainerImageTag=arm", "ContainerRuntimeIdentifiers=linux-x64%3Blinux-arm64;ContainerImageTag=index",
                "ContainerRuntimeIdentifiers=linux-x64%3Blinux-arm64;RuntimeIdentifier=linux-arm64;ContainerImageTag=one",
                "ContainerAppCommandInstruction=None;KimgEnabled=true;ContainerImageTag=unused",
            ],
            "ContainerRegistry=" + machine.Registry, ("SOURCE_DATE_EPOCH", ""));

        Assert.Empty(rows[0].Errors);
        Assert.False(rows[0].Ran("Publish"));
        Assert.False(rows[0].UpToDate);
        Assert.Equal((rows[0].Digest, true), (rows[1].Digest, rows[1].UpToDate));
        // Gone from the registry: it was not there any more, and now it is.
        Assert.Equal((rows[0].Digest, false), (rows[3].Digest, rows[3].UpToDate));
        Assert.Equal((rows[4].Digest, true), (rows[5].Digest, rows[5].UpToDate));

        Assert.Null((await ConfigAsync("latest"))["config"]!["Labels"]!["org.opencontainers.image.created"]);
        Assert.Equal("2020-09-13T12:26:40Z", (await ConfigAsync("epoch"))["config"]!["Labels"]!["org.opencontainers.image.created"]!.GetValue<string>());
        Assert.Equal("arm64", (await ConfigAsync("arm"))["architecture"]!.GetValue<string>());
        Assert.Equal("arm64", (await ConfigAsync("one"))["architecture"]!.GetValue<string>());
        JsonNode index = JsonNode.Parse(await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", repository + ":index"))!;
        Assert.Equal(["amd64", "arm64"], index["manifests"]!.AsArray().Select(m => m!["platform"]!["architecture"]!.GetValue<string>()).Order());
        Assert.Contains("ContainerAppCommandInstruction", Assert.Single(rows[9].Warnings, w => w.Code == "KIMG1105").Text, StringComparison.Ordinal);

        async Task<JsonNode> ConfigAsync(string tag) =>
            JsonNode.Parse(await HostProgram.MustAsync("skopeo", "inspect", "--config", "--tls-verify=false", $"{repository}:{tag}"))!;
    }
}
