using System.Text.Json.Nodes;
using Kimg.Real;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary><c>dotnet build-image</c> as people install it, on projects that reference nothing.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class ToolTests(DotnetMachine machine)
{
    [Fact]
    public async Task As_a_local_tool_it_builds_projects_and_solutions_that_reference_nothing()
    {
        string project = await PlainProjectAsync();
        await File.WriteAllTextAsync(Path.Combine(project, ".gitignore"), "");
        (await machine.RunAsync("dotnet", project, "new", "tool-manifest")).OutputOrThrow();
        (await machine.RunAsync("dotnet", project, "tool", "install", "Kimg.Tool", "--add-source", DotnetMachine.Packages)).OutputOrThrow();
        string name = $"{machine.Registry}/tool/local:1";
        (await machine.RunAsync("dotnet", project, "build-image", "--tag", name, "--tag", name + "-too", "--push", "--label", "a=b;c,d", "--label", "b=100%", "-p:ContainerUser=1000")).OutputOrThrow();
        using (PulledImage image = await PulledImage.PullAsync(name + "-too"))
        {
            Assert.Equal("plain\n", await image.RunAsync());
            Assert.Equal("b;c,d", image.Config["config"]!["Labels"]!["a"]!.GetValue<string>());
            Assert.Equal("1000", image.Config["config"]!["User"]!.GetValue<string>());
        }

        string id = (await machine.RunAsync("dotnet", project, "build-image", "-q", "-t", "local/plain")).OutputOrThrow();
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", id);

        (await machine.RunAsync("dotnet", project, "new", "sln", "-n", "Some", "-f", "slnx")).OutputOrThrow();
        (await machine.RunAsync("dotnet", project, "sln", "Some.slnx", "add", "Plain.csproj")).OutputOrThrow();
        string output = (await machine.RunAsync("dotnet", project, "build-image", "Some.slnx")).OutputOrThrow();
        Assert.Contains("Plain -> plain:latest (sha256:", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_a_global_tool_it_prints_dockerfiles_and_builds_directories()
    {
        string project = await PlainProjectAsync(), tools = Path.Combine(project, "tools");
        (await machine.RunAsync("dotnet", project, "tool", "install", "Kimg.Tool", "--add-source", DotnetMachine.Packages, "--tool-path", tools)).OutputOrThrow();
        string tool = Path.Combine(tools, "dotnet-build-image");
        string portable = (await machine.RunAsync(tool, project, "--print", "--portable", "--base", "mcr.microsoft.com/dotnet/runtime:10.0")).OutputOrThrow();
        Assert.Contains("\nFROM mcr.microsoft.com/dotnet/runtime:10.0\nCOPY --from=publish . /app/\nWORKDIR /app/\n", portable, StringComparison.Ordinal);
        Assert.DoesNotContain("--link", portable, StringComparison.Ordinal);
        (await machine.RunAsync(tool, project, "--as-file", "Made.dockerfile", "--arch", "x64")).OutputOrThrow();
        Assert.Contains("COPY --link --from=application / /", await File.ReadAllTextAsync(Path.Combine(project, "Made.dockerfile")), StringComparison.Ordinal);

        string directory = Path.Combine(project, "plain-context"), name = $"{machine.Registry}/tool/context:1";
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(Path.Combine(directory, "Dockerfile"), "FROM scratch\nARG WHAT\nLABEL what=$WHAT\nCOPY Dockerfile /\n");
        (await machine.RunAsync(tool, directory, "-t", name, "--build-arg", "WHAT=context", "--push")).OutputOrThrow();
        string config = await HostProgram.MustAsync("skopeo", "inspect", "--config", "--tls-verify=false", "docker://" + name);
        Assert.Equal("context", JsonNode.Parse(config)!["config"]!["Labels"]!["what"]!.GetValue<string>());

        ProgramResult wrong = await machine.RunAsync(tool, directory, "--arch", "arm64");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("--arch is for projects", wrong.Errors, StringComparison.Ordinal);
        ProgramResult several = await machine.RunAsync(tool, project, "--frob");
        Assert.Equal(2, several.ExitCode);
        Assert.Contains("'--frob' needs a value", several.Errors, StringComparison.Ordinal);
    }

    private async Task<string> PlainProjectAsync()
    {
        string project = Path.Combine(Path.GetDirectoryName(await machine.CopySampleAsync("console"))!, "plain");
        Directory.CreateDirectory(project);
        foreach (string file in new[] { "Directory.Build.props", "Directory.Packages.props" }) await File.WriteAllTextAsync(Path.Combine(project, file), "<Project />");
        await File.WriteAllTextAsync(Path.Combine(project, "Plain.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFrameworks>net9.0;net10.0</TargetFrameworks><CheckEolTargetFramework>false</CheckEolTargetFramework></PropertyGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), "System.Console.WriteLine(\"plain\");\n");
        return project;
    }
}
