using Kimg.Engine.Primitives;
using Kimg.Real;
using Xunit;
using TaskItem = Microsoft.Build.Utilities.TaskItem;

namespace Kimg.Tasks.Tests;

/// <summary>Platforms, runtime identifiers and frameworks: what is published for what, and what cannot be started is not made.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class PlatformTests(DotnetMachine machine)
{
    [Fact]
    public async Task A_plain_build_publishes_a_self_contained_application_as_publish_does()
    {
        string project = await machine.CopySampleAsync("console");
        string[] build = ["build", "-c", "Release", "-t:BuildImage", machine.Push, "-p:ContainerRepository=plain", "-p:PublishSelfContained=true", "-p:KimgTagsFromVersion=full"];
        (await machine.DotnetAsync(project, build)).Succeeded();
        using PulledImage image = await PulledImage.PullAsync($"{machine.Registry}/plain:1.2.3");
        Assert.Equal("the answer, for $5, is: 42\n...\n", await image.RunAsync());
        Assert.Equal(["/app/Console"], image.Config["config"]!["Entrypoint"]!.AsArray().Select(e => e!.GetValue<string>()));
        Assert.True(File.Exists(image.RootFs + "/app/libcoreclr.so"));
        // The same where the project says what it is for: then nothing but this image is built.
        DotnetRun named = (await machine.DotnetAsync(project, [.. build, "-p:RuntimeIdentifier=linux-x64"])).Succeeded();
        Assert.Single(named.Targets("_KimgPublishInner"));
        using PulledImage second = await PulledImage.PullAsync($"{machine.Registry}/plain:1.2.3");
        Assert.True(File.Exists(second.RootFs + "/app/libcoreclr.so"));
    }

    [Theory]
    [InlineData("", "linux-arm64", "", true)]
    [InlineData("linux-x64", "", "", true)]
    [InlineData("linux-x64", "linux-x64", "", true)]
    [InlineData("linux-x64", "linux-musl-x64", "linux/amd64", true)]
    [InlineData("linux-x64", "linux-arm64", "", false)]
    [InlineData("linux-x64", "", "linux/amd64;linux/arm64", false)]
    [InlineData("win-x64", "linux-x64", "", false)]
    public void An_application_with_its_own_runtime_is_for_one_platform(string published, string wanted, string platforms, bool works)
    {
        Exception? error = Record.Exception(() => PublishedPlatform.Check(published, wanted, platforms.Split(';', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(works ? null : ErrorCode.UnsupportedProject, (error as KimgException)?.Code);
    }

    [Theory]
    [InlineData("linux-musl-x64 linux-musl-arm64", "linux-musl-x64")]
    [InlineData("win-x64 linux-arm64", "linux-arm64")]
    [InlineData("", "")]
    public void Of_several_runtime_identifiers_one_chooses_the_base(string identifiers, string chosen) =>
        Assert.Equal(chosen, RuntimePlatform.First(identifiers.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void An_image_that_starts_nothing_is_refused_unless_it_was_asked_for()
    {
        var task = new BuildImage { PublishOutput = [new TaskItem("/publish")] };
        KimgException error = Assert.Throws<KimgException>(() => new AppImageBuilder(task).Build("base", BaseImageInfo.Scratch, []));
        Assert.Equal(ErrorCode.InvalidProjectProperty, error.Code);
        task.AppCommandInstruction = "None";
        Assert.Empty(new AppImageBuilder(task).Build("base", BaseImageInfo.Scratch, []).Entrypoint);
    }

    [Fact]
    public async Task Of_several_frameworks_none_that_has_an_image_is_no_mistake_of_a_library()
    {
        string project = Path.Combine(Path.GetDirectoryName(await machine.CopySampleAsync("console"))!, "several");
        Directory.CreateDirectory(project);
        await File.WriteAllTextAsync(Path.Combine(project, "Several.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework></TargetFramework><TargetFrameworks>net9.0;net10.0</TargetFrameworks>
                <TargetFrameworks Condition="'$(Case)' == 'standard'">netstandard2.0;netstandard2.1</TargetFrameworks>
                <TargetFrameworks Condition="'$(Case)' == 'windows'">net472;net48</TargetFrameworks>
                <TargetFrameworks Condition="'$(Case)' == 'phones'">net10.0-android;net10.0-ios</TargetFrameworks>
                <CheckEolTargetFramework>false</CheckEolTargetFramework><ContainerRepository>several</ContainerRepository>
              </PropertyGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), "System.Console.WriteLine(System.Environment.Version.Major);\n");
        (await machine.DotnetAsync(project, "restore")).Succeeded();
        BuildRows rows = await BuildRows.RunAsync(machine, project, [
            "Case=standard", "Case=windows;OutputType=Exe", "Case=phones;OutputType=Exe",
            "KimgTargetFramework=net8.0", "KimgTargetFramework=net8.0;OutputType=Exe", "KimgTargetFramework=net8.0;OutputType=Exe;KimgEnabled=false",
            "KimgTargetFramework=net8.0;OutputType=Exe;IsPublishable=false", "OutputType=Exe;KimgTargetFramework=net10.0;ContainerRegistry=" + machine.Registry]);
        string[] skipped = ["(netstandard2.0, netstandard2.1) is one of .NET", "(net472, net48) is one of .NET", "is one of .NET", "is net8.0", "", "KimgEnabled is false", "IsPublishable is false"];
        for (int i = 0; i < skipped.Length; i++)
        {
            if (i == 4) continue;
            Assert.Empty(rows[i].Errors);
            Assert.Contains(rows[i].Messages, text => text.StartsWith("Several: no image, because ", StringComparison.Ordinal) && text.Contains(skipped[i], StringComparison.Ordinal));
        }

        Assert.Contains("KimgTargetFramework: 'net8.0' is not among 'net9.0;net10.0'", Assert.Single(rows[4].Errors).Text, StringComparison.Ordinal);
        Assert.Empty(rows[7].Errors);
        using PulledImage image = await PulledImage.PullAsync($"{machine.Registry}/several:latest");
        Assert.Equal("10\n", await image.RunAsync());
    }
}
