using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Every block of code in the pages on .NET does what the page says.</summary>
[Collection(nameof(DotnetMachine))]
public sealed partial class DocumentationTests(DotnetMachine machine)
{
    [Fact]
    public async Task Commands_of_the_page_on_msbuild_work()
    {
        string project = await NewProjectAsync("page");
        foreach (string commands in Blocks("docs/msbuild.md", "sh")) await ShellAsync(project, commands);
        Assert.Contains("Include=\"Kimg.Tasks\"", await File.ReadAllTextAsync(Path.Combine(project, "page.csproj")), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), """
            FROM scratch
            ARG GREETING
            LABEL greeting=$GREETING
            COPY --from=assets asset /
            """);
        Directory.CreateDirectory(Path.Combine(project, "../assets"));
        await File.WriteAllTextAsync(Path.Combine(project, "../assets/asset"), "");
        string home = Path.Combine(project, "home");
        Directory.CreateDirectory(Path.Combine(home, ".config"));
        await File.WriteAllTextAsync(Path.Combine(home, ".config/key"), "k");
        string fragments = string.Join('\n', Blocks("docs/msbuild.md", "xml").Where(block => !block.Contains("GlobalPackageReference", StringComparison.Ordinal)));
        string file = Path.Combine(project, "page.csproj");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("</Project>", fragments + "\n</Project>", StringComparison.Ordinal));
        ProgramResult built = await HostProgram.RunAsync(
            "dotnet", ["build", "-nologo", "-t:BuildImage", machine.Push], machine.Environment(("HOME", home), ("NUGET_TOKEN", "t")), project);
        Assert.Matches(@"built 127\.0\.0\.1:\d+/page:latest as sha256:[0-9a-f]{64}", built.OutputOrThrow());
        string labels = await HostProgram.MustAsync("skopeo", "inspect", "--config", "--tls-verify=false", $"docker://{machine.Registry}/page:latest");
        Assert.Contains("\"greeting\": \"hello\"", labels, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_of_the_page_on_the_tool_work()
    {
        string project = await NewProjectAsync("toolpage");
        foreach (string commands in Blocks("docs/dotnet-tool.md", "sh"))
        {
            await ShellAsync(project, commands.Replace("registry.example.com", machine.Registry, StringComparison.Ordinal)
                .Replace("docker build", $"{RepositoryFiles.Kimg} build --progress=none -t {machine.Registry}/portable", StringComparison.Ordinal));
        }

        await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{machine.Registry}/app:1");
    }

    [Fact]
    public async Task The_way_from_containers_of_the_sdk_works()
    {
        string project = await NewProjectAsync("migrated");
        string commands = Assert.Single(Blocks("docs/migrating.md", "sh"), block => block.Contains("Kimg.Tasks", StringComparison.Ordinal));
        await ShellAsync(project, commands.Replace("registry.example", machine.Registry, StringComparison.Ordinal));
        string config = await HostProgram.MustAsync("skopeo", "inspect", "--config", "--tls-verify=false", $"docker://{machine.Registry}/sdk:1");
        Assert.Contains("migrated", config, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Blocks(string page, string language) =>
        Block().Matches(File.ReadAllText(RepositoryFiles.Path(page))).Where(block => block.Groups[1].Value == language).Select(block => block.Groups[2].Value);

    private async Task ShellAsync(string directory, string commands)
    {
        string tools = Path.Combine(machine.Environment()["DOTNET_CLI_HOME"], ".dotnet/tools");
        ProgramResult result = await HostProgram.RunAsync(
            "bash", ["-euc", commands], machine.Environment(("PATH", $"{tools}:{Environment.GetEnvironmentVariable("PATH")}")), directory);
        result.OutputOrThrow();
    }

    private async Task<string> NewProjectAsync(string name)
    {
        string root = Path.GetDirectoryName(await machine.CopySampleAsync("console"))!, project = Path.Combine(root, name);
        foreach (string file in Directory.GetFiles(root)) File.Delete(file);
        (await machine.RunAsync("dotnet", root, "new", "console", "-o", name)).OutputOrThrow();
        return project;
    }

    [GeneratedRegex(@"^```(\w+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
