using System.Text.Json.Nodes;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>What Visual Studio looks at before it builds: every output of a set must exist, or the project is never up to date.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class UpToDateCheckTests(DotnetMachine machine)
{
    [Fact]
    public async Task Only_projects_that_ask_have_an_output_and_every_build_of_an_image_writes_it()
    {
        string project = await machine.CopySampleAsync("dockerfile"), library = Path.Combine(project, "../solution/Greetings");
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
        (await machine.RunAsync("dotnet", library, "restore")).OutputOrThrow();
        Assert.Equal(("", ""), await SetAsync(library, "-p:KimgUpToDateCheck=true"));
        string stamp = Path.Combine(project, "obj/Debug/net10.0/kimg/built");
        (await machine.DotnetAsync(project, "build", "-t:BuildImage", "-p:KimgImageNames=local/vs")).Succeeded();
        Assert.True(File.Exists(stamp));
        Assert.Equal(("", ""), await SetAsync(project));
        Assert.Equal((Path.Combine(project, "Dockerfile"), "obj/Debug/net10.0/kimg/built"), await SetAsync(project, "-p:KimgUpToDateCheck=true"));

        // Without a Dockerfile, and when there was nothing to do.
        string console = Path.Combine(project, "../console");
        string[] build = ["build", "-t:BuildImage", "-p:KimgImageNames=local/vs-console", "-p:ContainerBaseImage=scratch"];
        (await machine.DotnetAsync(console, build)).Succeeded();
        stamp = Path.Combine(console, "obj/Debug/net10.0/kimg/built");
        DateTime before = DateTime.UnixEpoch.AddYears(40);
        File.SetLastWriteTimeUtc(stamp, before);
        DotnetRun second = (await machine.DotnetAsync(console, [.. build, "--no-restore"])).Succeeded();
        Assert.Equal("true", second.Property("BuildImage", "KimgUpToDate"), ignoreCase: true);
        Assert.True(File.GetLastWriteTimeUtc(stamp) > before);
        // The base is nobody's image, so no registry is looked for.
        Assert.DoesNotContain(second.Warnings, warning => warning.Code == "CONTAINER2020");
    }

    // The inputs and outputs of the image's set, with commas between them.
    private async Task<(string Inputs, string Outputs)> SetAsync(string project, params string[] arguments)
    {
        string text = (await machine.RunAsync(
            "dotnet", project, ["msbuild", "-nologo", "-getItem:UpToDateCheckInput", "-getItem:UpToDateCheckOutput", .. arguments])).OutputOrThrow();
        JsonNode items = JsonNode.Parse(text)!["Items"]!;
        return (Of("UpToDateCheckInput"), Of("UpToDateCheckOutput"));

        string Of(string name) => string.Join(',', items[name]!.AsArray()
            .Where(item => item!["Set"]?.GetValue<string>() == "KimgImage").Select(item => item!["Identity"]!.GetValue<string>()));
    }
}
