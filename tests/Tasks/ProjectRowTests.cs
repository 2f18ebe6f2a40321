using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Settings of the SDK that no sample has, and projects that are passed over, all in one run.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class ProjectRowTests(DotnetMachine machine)
{
    [Fact]
    public async Task Settings_mean_what_they_mean_to_the_sdk_and_projects_without_an_image_are_passed_over()
    {
        string console = await machine.CopySampleAsync("console"), root = Path.GetDirectoryName(console)!, file = Path.Combine(console, "Console.csproj");
        // NoBuild publishes what is there.
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace(
            "</Project>", """<ItemGroup Condition="'$(WrongPort)' != ''"><ContainerPort Include="$(WrongPort)" /></ItemGroup></Project>""", StringComparison.Ordinal));
        await File.WriteAllTextAsync(Path.Combine(root, "dockerfile/Dockerfile"), "FROM scratch\nARG OTHER ASSEMBLY_NAME\nLABEL assembly=$ASSEMBLY_NAME\nCOPY Dockerfile /\n");
        string library = Directory.CreateDirectory(Path.Combine(root, "library")).FullName;
        await File.WriteAllTextAsync(Path.Combine(library, "Library.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework /><TargetFrameworks>net10.0</TargetFrameworks></PropertyGroup></Project>
            """);
        (await machine.RunAsync("dotnet", library, "restore")).OutputOrThrow();
        await File.WriteAllTextAsync(Path.Combine(root, "Some.slnx"), """
            <Solution>
              <Project Path="console/Console.csproj" /><Project Path="dockerfile/WithDockerfile.csproj" /><Project Path="solution/Greetings/Greetings.csproj" />
            </Solution>
            """);
        (await machine.DotnetAsync(root, "publish", "Some.slnx", "-c", "Release")).Succeeded();
        await machine.RunAsync("skopeo", root, "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
            $"docker://{machine.Registry}/dotnet/runtime:10.0", $"docker://{machine.Registry}/dotnet/runtime:10.0-noble-chiseled");
        const string project = "console/Console.csproj", withDockerfile = "dockerfile/WithDockerfile.csproj", wasm = "RuntimeIdentifier=browser-wasm";
        ProjectRows rows = await ProjectRows.BuildAsync(
            machine, root,
            (project, "ContainerFamily=noble-chiseled;KimgImageNames=rows/0"),
            (project, "ContainerWorkingDirectory=/srv/my work/;KimgImageNames=rows/1"),
            (project, "ContainerAppCommandInstruction=DefaultArgs;KimgImageNames=rows/2"),
            (project, "ContainerAppCommandInstruction=None;KimgImageNames=rows/3"),
            (project, "WrongPort=70000"),
            ("solution/Greetings/Greetings.csproj", "NETCoreSdkVersion=9.0.100"),
            (project, "NETCoreSdkVersion=9.0.100"),
            (project, wasm),
            (withDockerfile, wasm + ";KimgImageNames=rows/8"),
            (withDockerfile, "KimgAsFile=made/Containerfile;KimgImageNames=rows/9"),
            (withDockerfile, "KimgAsFile=Dockerfile;KimgImageNames=rows/10"),
            (project, "PublishProfile=DefaultContainer;WebPublishMethod=Container;KimgImageNames=rows/11"),
            ("library/Library.csproj", "NETCoreSdkVersion=9.0.100"));

        Assert.Equal("mcr.microsoft.com/dotnet/runtime:10.0-noble-chiseled", Config(0)["Labels"]!["org.opencontainers.image.base.name"]!.GetValue<string>());
        Assert.Equal(("/srv/my work/", "dotnet /srv/my work/Console.dll"), (Config(1)["WorkingDir"]!.GetValue<string>().TrimEnd('/') + "/", Words(1, "Entrypoint")));
        Assert.Equal(("", "dotnet /app/Console.dll 42"), (Words(2, "Entrypoint"), Words(2, "Cmd")));
        Assert.Equal(("", "42"), (Words(3, "Entrypoint"), Words(3, "Cmd")));
        Assert.StartsWith("KIMG1101: ContainerPort: '70000' with Type 'tcp' is no port", Assert.Single(rows.Errors(4)), StringComparison.Ordinal);

        // What is passed over is not told of the SDK; what is not is.
        Assert.Empty(rows.Errors(5));
        Assert.Contains("Greetings: no image, because it is a library.", rows.Output, StringComparison.Ordinal);
        Assert.Empty(rows.Errors(12));
        Assert.Contains("Library: no image, because it is a library.", rows.Output, StringComparison.Ordinal);
        Assert.StartsWith("KIMG1104: ", Assert.Single(rows.Errors(6)), StringComparison.Ordinal);
        Assert.Empty(rows.Errors(7));
        Assert.Contains("Console: no image, because it is WebAssembly and has no Dockerfile that serves it.", rows.Output, StringComparison.Ordinal);
        Assert.Empty(rows.Errors(8));
        Assert.Equal("WithDockerfile", Config(8)["Labels"]!["assembly"]!.GetValue<string>());

        // A Dockerfile of its own is what is written, and nothing is built; it may be the file itself.
        string dockerfile = await File.ReadAllTextAsync(Path.Combine(root, "dockerfile/Dockerfile"));
        Assert.Equal(dockerfile, await File.ReadAllTextAsync(Path.Combine(root, "dockerfile/made/Containerfile")));
        Assert.StartsWith("FROM scratch\nARG OTHER", dockerfile, StringComparison.Ordinal);
        foreach (int row in new[] { 9, 10 })
        {
            Assert.Empty(rows.Errors(row));
            Assert.Equal("", rows.Built(row, "KimgImageDigest"));
            Assert.NotEqual(0, (await HostProgram.RunAsync(RepositoryFiles.Kimg, ["inspect", "--state-dir", machine.StateDirectory, $"store://rows/{row}"])).ExitCode);
        }

        // The profile of the SDK's own image makes none beside this one.
        Assert.StartsWith("sha256:", rows.Built(11, "KimgImageDigest"), StringComparison.Ordinal);
        Assert.False(rows.Ran(11, "CreateNewImage"));
        Assert.All([0, 1, 2, 3, 8], row => Assert.Empty(rows.Errors(row)));

        JsonNode Config(int row)
        {
            string text = rows.Built(row, "GeneratedContainerConfiguration");
            Assert.True(text.Length > 0, string.Join('\n', rows.Errors(row)) + rows.Output);
            return JsonNode.Parse(text)!["config"]!;
        }

        string Words(int row, string name) => Config(row)[name] is JsonArray words ? string.Join(' ', words.Select(word => word!.GetValue<string>())) : "";
    }
}
