using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary><c>dotnet build-image</c> on solutions, from another directory, and stopped.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class ToolSolutionTests(DotnetMachine machine)
{
    [Fact]
    public async Task Options_of_one_image_are_for_the_only_application_and_signals_and_paths_are_the_callers()
    {
        string solution = await machine.CopySampleAsync("solution"), tool = await InstallAsync(solution);
        ProgramResult several = await machine.RunAsync(tool, solution, "Shop.slnx", "-t", "same/name:1", "--push");
        Assert.Equal(2, several.ExitCode);
        Assert.Contains("ERROR KIMG1001: --tag is about one image, and Shop.slnx makes 2 (Api, Jobs); name the project", several.Errors, StringComparison.Ordinal);

        string one = Path.Combine(solution, "One.slnx"), elsewhere = Directory.CreateDirectory(Path.Combine(solution, "elsewhere")).FullName;
        await File.WriteAllTextAsync(one, """
            <Solution><Project Path="Jobs/Jobs.csproj" /><Project Path="Greetings/Greetings.csproj" /></Solution>
            """);
        string id = (await machine.RunAsync(
            tool, elsewhere, one, "-q", "-t", "only/jobs", "--iidfile", "id", "--metadata-file", "metadata.json", "-o", "type=oci,dest=one.tar", "--progress=plain")).OutputOrThrow();
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", id);
        Assert.Equal(id.Trim(), (await File.ReadAllTextAsync(Path.Combine(elsewhere, "id"))).Trim());
        Assert.True(File.Exists(Path.Combine(elsewhere, "metadata.json")));
        await HostProgram.MustAsync("skopeo", "inspect", $"oci-archive:{elsewhere}/one.tar");

        await File.WriteAllTextAsync(Path.Combine(solution, "Jobs/Dockerfile"), "FROM scratch\nCOPY Dockerfile /printed\n");
        Assert.Equal("FROM scratch\nCOPY Dockerfile /printed\n", (await machine.RunAsync(tool, elsewhere, one, "--print", "--push")).OutputOrThrow());
        Assert.False(Directory.Exists(Path.Combine(solution, "obj")));

        // To the tool alone, as a supervisor sends it.
        await File.WriteAllTextAsync(Path.Combine(elsewhere, "Dockerfile"), "FROM mcr.microsoft.com/dotnet/runtime:10.0\nRUN sleep 986; true\n");
        using var build = new RunningProgram(tool, elsewhere, machine.Environment(), ".");
        (int exitCode, string output, TimeSpan took) = await build.SignalAsync("TERM", 986);
        Assert.True(exitCode != 0, output);
        Assert.InRange(took.TotalSeconds, 0, 5);
        Assert.Equal("", await RunningProgram.SleepsAsync(986));
    }

    private async Task<string> InstallAsync(string directory)
    {
        string tools = Path.Combine(directory, "tools");
        (await machine.RunAsync("dotnet", directory, "tool", "install", "Kimg.Tool", "--add-source", DotnetMachine.Packages, "--tool-path", tools)).OutputOrThrow();
        return Path.Combine(tools, "dotnet-build-image");
    }
}
