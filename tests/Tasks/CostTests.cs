using System.Diagnostics;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>What a build pays for its image: nothing is compiled, asked or sent that need not be.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class CostTests(DotnetMachine machine)
{
    [Fact]
    public async Task A_change_is_one_command_on_a_base_that_is_known_and_a_base_that_moved_is_looked_at_again()
    {
        string project = await machine.CopySampleAsync("console"), name = $"{machine.Registry}/moving:latest";
        await machine.RunAsync("skopeo", project, "copy", "--src-tls-verify=false", "--dest-tls-verify=false", $"docker://{machine.Registry}/dotnet/runtime:10.0", "docker://" + name);
        string[] build = ["publish", "-t:BuildImage", machine.Push, machine.Property("ContainerBaseImage", name)];
        DotnetRun first = (await machine.DotnetAsync(project, build)).Succeeded();
        Assert.Equal(["inspect --json", "build"], Verbs(first));

        await ChangeAsync(project);
        DotnetRun changed = (await machine.DotnetAsync(project, build)).Succeeded();
        Assert.Equal(["build"], Verbs(changed));
        Assert.Equal(first.Property("BuildImage", "ContainerBaseImageDigest"), changed.Property("BuildImage", "ContainerBaseImageDigest"));

        await machine.RunAsync("skopeo", project, "copy", "--src-tls-verify=false", "--dest-tls-verify=false", $"docker://{machine.Registry}/dotnet/aspnet:10.0", "docker://" + name);
        DotnetRun moved = (await machine.DotnetAsync(project, build)).Succeeded();
        Assert.Equal(["inspect --digest", "inspect --json", "build"], Verbs(moved));
        Assert.NotEqual(first.Property("BuildImage", "ContainerBaseImageDigest"), moved.Property("BuildImage", "ContainerBaseImageDigest"));

        // What was remembered may be anything: a record that was cut off is none.
        string record = Path.Combine(project, "obj/Release/net10.0/kimg/base.json");
        await File.WriteAllTextAsync(record, (await File.ReadAllTextAsync(record))[..200]);
        await ChangeAsync(project);
        DotnetRun again = (await machine.DotnetAsync(project, build)).Succeeded();
        Assert.Equal(["inspect --json", "build"], Verbs(again));
        Assert.Equal(moved.Property("BuildImage", "ContainerBaseImageDigest"), again.Property("BuildImage", "ContainerBaseImageDigest"));
    }

    [Fact]
    public async Task The_kimg_that_was_started_early_ends_also_when_nothing_is_asked_of_it()
    {
        string project = await machine.CopySampleAsync("console"), file = Path.Combine(project, "Console.csproj"), text = await File.ReadAllTextAsync(file);
        const string Stop = """<Target Name="Stop" BeforeTargets="BuildImage"><Error Text="stop" /></Target></Project>""";
        await File.WriteAllTextAsync(file, text.Replace("</Project>", Stop, StringComparison.Ordinal));
        DotnetRun failed = await machine.DotnetAsync(project, ["publish", "-t:BuildImage", machine.Push]);
        Assert.Single(failed.Tasks("StartKimg"));
        Assert.Empty(failed.Tasks("BuildImage"));
        // Known by the folder that it was started in.
        foreach (Process left in RunningIn(project)) await left.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task The_tasks_come_compiled()
    {
        string project = await machine.CopySampleAsync("console"), list = Path.Combine(project, "compiled.txt");
        (await HostProgram.RunAsync(
            "dotnet", ["publish", "-nologo", "-t:BuildImage", machine.Push, "-p:ContainerRepository=compiled"],
            machine.Environment(("DOTNET_JitStdOutFile", list), ("DOTNET_JitDisasmSummary", "1")), project)).OutputOrThrow();
        string[] compiled = await File.ReadAllLinesAsync(list);
        Assert.Contains(compiled, line => line.Contains("Microsoft.Build", StringComparison.Ordinal));
        // Stubs that MSBuild's reflection makes are not ours.
        Assert.DoesNotContain(compiled, line => line.Contains(" Kimg.", StringComparison.Ordinal) || line.Contains("[Kimg.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_terminal_logger_shows_the_image_as_what_the_project_became()
    {
        string project = await machine.CopySampleAsync("console");
        ProgramResult result = await machine.RunAsync("dotnet", project, "publish", "-tl:on", "-t:BuildImage", machine.Push, "-p:ContainerRepository=shown");
        Assert.Matches($@"Console.*succeeded.*→ {machine.Registry}/shown:1\.2\.3 \(sha256:[0-9a-f]{{64}}, pushed\)", result.OutputOrThrow());
    }

    [Fact]
    public async Task A_cache_goes_from_one_machine_to_another_with_the_projects_settings()
    {
        string project = await machine.CopySampleAsync("dockerfile"), file = Path.Combine(project, "WithDockerfile.csproj"), text = await File.ReadAllTextAsync(file);
        string[] build = ["publish", "-t:BuildImage", "-p:ContainerArchiveOutputPath=image.tar"];
        await File.WriteAllTextAsync(file, text.Replace("<KimgSecret", """<KimgCacheTo Include="type=local,dest=cache,mode=max" /><KimgSecret""", StringComparison.Ordinal));
        DotnetRun first = (await machine.DotnetAsync(project, [.. build, "-p:KimgStateDirectory=../state-1"])).Succeeded();
        Assert.DoesNotContain(first.Texts(), text => IsStep(text) && text.EndsWith(" CACHED", StringComparison.Ordinal));
        await File.WriteAllTextAsync(file, text.Replace("<KimgSecret", """<KimgCacheFrom Include="type=local,src=cache" /><KimgSecret""", StringComparison.Ordinal));
        DotnetRun second = (await machine.DotnetAsync(project, [.. build, "-p:KimgStateDirectory=../state-2"])).Succeeded();
        Assert.Contains(second.Texts(), text => IsStep(text) && text.EndsWith(" CACHED", StringComparison.Ordinal));

        static bool IsStep(string text) => text.Contains("RUN --mount=type=secret", StringComparison.Ordinal);
    }

    private static List<Process> RunningIn(string directory) =>
    [
        .. Process.GetProcesses().Where(process => LinkOf(process.Id, "cwd") == directory && LinkOf(process.Id, "exe").EndsWith("/kimg", StringComparison.Ordinal)),
    ];

    // Empty of a process that has ended.
    private static string LinkOf(int process, string name)
    {
        try
        {
            return new FileInfo($"/proc/{process}/{name}").LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static Task ChangeAsync(string project) => File.AppendAllTextAsync(Path.Combine(project, "Program.cs"), $"// {Guid.NewGuid()}\n");

    private static IEnumerable<string> Verbs(DotnetRun run) =>
        run.Build.FindChildrenRecursive<Microsoft.Build.Logging.StructuredLogger.Message>(message => message.Text.Contains("/kimg ", StringComparison.Ordinal))
            .Select(message => message.Text[(message.Text.IndexOf("/kimg ", StringComparison.Ordinal) + 6)..].Split(' '))
            .Select(words => words[0] == "build" ? words[0] : $"{words[0]} {words[1]}");
}
