using Kimg.TestKit;
using Microsoft.Build.Logging.StructuredLogger;
using Xunit;
using Task = System.Threading.Tasks.Task;

namespace Kimg.Tasks.Tests;

/// <summary>What goes wrong, as MSBuild tells it: one error with a code that names the property, or the place in the Dockerfile.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class DiagnosticsTests(DotnetMachine machine)
{
    // Properties (NAME=VALUE, separated by |), the code, and words of the message.
    private static readonly (string Properties, string Code, string Says)[] s_bad =
    [
        ("ContainerImageTag=not a tag", "KIMG1102", "ContainerImageTag: 'not a tag'"),
        ("ContainerImageTags=-wrong", "KIMG1102", "ContainerImageTags: '-wrong'"),
        ("ContainerRegistry=https://example.com", "KIMG1102", "ContainerRegistry: 'https://example.com'"),
        ("KimgImageNames=a//b", "KIMG1102", "KimgImageNames"),
        ("KimgTagsFromVersion=majr", "KIMG1101", "KimgTagsFromVersion: unknown kind of tag 'majr'"),
        ("KimgTagsFromVersion=all|KimgVersion=one", "KIMG1102", "'one' is no version"),
        ("KimgMode=Magic", "KIMG1101", "KimgMode: unknown value 'Magic'"),
        ("KimgDockerfile=none/Dockerfile", "KIMG2001", "KimgDockerfile: there is no file"),
        ("ContainerImageFormat=Tarball", "KIMG1101", "ContainerImageFormat: unknown value 'Tarball'"),
        ("ContainerRuntimeIdentifier=win-x64", "KIMG1103", "'win-x64'"),
        ("ContainerBaseImage=not/an image", "KIMG1101", "ContainerBaseImage: 'not/an image'"),
        ("ContainerBaseImage={registry}/no/such:image", "KIMG4004", "change ContainerBaseImage of Console.csproj"),
        ("ContainerBaseImage={registry}/dotnet/runtime:10.0|ContainerRuntimeIdentifier=linux-s390x", "KIMG4005", "ContainerRuntimeIdentifier"),
        ("ContainerBaseImage=127.0.0.1:1/base:1", "KIMG4001", "ContainerBaseImage"),
        ("KimgPlatforms=a/b/c/d/e", "KIMG1101", "KimgPlatforms"),
        ("ContainerAppCommandInstruction=Sometimes", "KIMG1101", "ContainerAppCommandInstruction: unknown value 'Sometimes'"),
        ("ContainerWorkingDirectory=app", "KIMG1101", "ContainerWorkingDirectory: 'app' is not absolute"),
        ("LocalRegistry=Nowhere", "KIMG1101", "LocalRegistry: unknown value 'Nowhere'"),
        ("KimgPush=perhaps", "KIMG1101", "KimgPush: 'perhaps' is neither true nor false"),
        ("KimgSourceDateEpoch=yesterday", "KIMG1101", "KimgSourceDateEpoch: 'yesterday'"),
        ("KimgBuildOptions=--no-such-option", "KIMG1001", "--no-such-option"),
        ("ContainerRegistry=127.0.0.1:1", "KIMG4001", "ContainerRegistry"),
        ("KimgBinary=/nowhere/kimg", "KIMG1101", "KimgBinary: there is no file"),
        ("NETCoreSdkVersion=9.0.100", "KIMG1104", "needs the .NET 10 SDK"),
    ];

    [Fact]
    public async Task Each_mistake_is_one_error_that_says_what_to_change()
    {
        string project = await machine.CopySampleAsync("console");
        (await machine.DotnetAsync(project, "publish")).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(project, "all.proj"), $"""
            <Project>
              <Target Name="All">
                {string.Join("\n    ", s_bad.Select((row, i) => $"""<MSBuild Projects="Console.csproj" Targets="BuildImage" ContinueOnError="true" Properties="Row={i};Configuration=Release;NoBuild=true;_IsPublishing=true;{Escape(row.Properties)}" />"""))}
              </Target>
            </Project>
            """);
        DotnetRun run = await machine.DotnetAsync(project, "msbuild", "all.proj");
        List<string> wrong = [];
        for (int i = 0; i < s_bad.Length; i++)
        {
            (string properties, string code, string says) = s_bad[i];
            IEnumerable<Project> built = run.Build.FindChildrenRecursive<Project>(p => p.GlobalProperties.TryGetValue("Row", out string? row) && row == $"{i}");
            Error[] errors = [.. built.SelectMany(p => p.FindChildrenRecursive<Error>()).Distinct()];
            if (errors is not [{ } error] || error.Code != code || !error.Text.Contains(says, StringComparison.Ordinal) || Path.GetFileName(error.File) != "Console.csproj")
                wrong.Add($"{properties}: {string.Join(" | ", errors.Select(e => $"{e.File} {e.Code} {e.Text}"))}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        string Escape(string row) => row.Replace("{registry}", machine.Registry, StringComparison.Ordinal).Replace('|', ';');
    }

    [Fact]
    public async Task Errors_and_findings_of_a_dockerfile_have_code_file_line_and_column()
    {
        string project = await machine.CopySampleAsync("dockerfile"), dockerfile = Path.Combine(project, "Dockerfile");
        await File.WriteAllTextAsync(dockerfile, "FROM scratch AS Upper\nCOPY Dockerfile /\nCMD echo no\n");
        DotnetRun warned = (await machine.DotnetAsync(project, "build", "-t:CheckDockerfile;BuildImage")).Succeeded();
        Warning warning = warned.Warnings.First(w => w.Code == "JSONArgsRecommended");
        Assert.Equal((dockerfile, 3, 1), (warning.File, warning.LineNumber, warning.ColumnNumber));
        Assert.Equal("Dockerfile", warning.Subcategory);
        Assert.Equal(2, warned.Warnings.Count(w => w.Code == "StageNameCasing"));
        Assert.Contains("JSONArgsRecommended", warned.Result.Output, StringComparison.Ordinal);

        DotnetRun silent = (await machine.DotnetAsync(project, "build", "-t:BuildImage", "-p:NoWarn=JSONArgsRecommended")).Succeeded();
        Assert.DoesNotContain(silent.Warnings, w => w.Code == "JSONArgsRecommended");
        DotnetRun strict = await machine.DotnetAsync(project, "build", "-t:CheckDockerfile", "-p:WarningsAsErrors=StageNameCasing");
        Assert.Equal(1, strict.Result.ExitCode);
        Assert.Contains(strict.Errors, e => e.Code == "StageNameCasing" && e.LineNumber == 1);

        await File.WriteAllTextAsync(dockerfile, "FROM scratch\n  COPPY a b\n");
        DotnetRun broken = await machine.DotnetAsync(project, "build", "-t:BuildImage");
        Error error = Assert.Single(broken.Errors);
        Assert.Equal(("KIMG2003", dockerfile, 2, 3), (error.Code, error.File, error.LineNumber, error.ColumnNumber));
        Assert.Contains("COPY", error.Text, StringComparison.Ordinal);

        await File.WriteAllTextAsync(dockerfile, "FROM mcr.microsoft.com/dotnet/runtime:10.0\nRUN echo what the step said; exit 7\n");
        DotnetRun failed = await machine.DotnetAsync(project, "build", "-t:BuildImage");
        Assert.Equal(("KIMG3001", 2), (Assert.Single(failed.Errors).Code, failed.Errors[0].LineNumber));
        Assert.Contains("what the step said", failed.Result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_without_effect_are_pointed_out()
    {
        string project = await machine.CopySampleAsync("dockerfile");
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
        DotnetRun run = (await machine.DotnetAsync(project, "build", "-t:BuildImage", "-p:ContainerUser=1000", "-p:KimgPush=false", machine.Push)).Succeeded();
        Assert.Contains("ContainerUser", Assert.Single(run.Warnings, w => w.Code == "KIMG1105").Text, StringComparison.Ordinal);
        Assert.Empty(run.Targets("Publish"));
        Assert.Contains("in the store of kimg", run.Result.Output, StringComparison.Ordinal);
        // It was only stored; now it is pushed.
        DotnetRun pushed = (await machine.DotnetAsync(project, "build", "-t:PushImage;ResolveBaseImage", "-p:KimgPush=false", machine.Push)).Succeeded();
        Assert.Contains(", pushed)", pushed.Result.Output, StringComparison.Ordinal);
        await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{machine.Registry}/samples/dockerfile:latest");
        DotnetRun nowhere = await machine.DotnetAsync(project, "build", "-t:PushImage");
        Assert.Contains("ContainerRegistry is not set", Assert.Single(nowhere.Errors).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_build_at_once_and_leaves_no_process()
    {
        string project = await machine.CopySampleAsync("dockerfile");
        await File.WriteAllTextAsync(Path.Combine(project, "Dockerfile"), "FROM mcr.microsoft.com/dotnet/runtime:10.0\nRUN sleep 987; true\n");
        using var build = new RunningProgram("dotnet", project, machine.Environment(), "build", "-nologo", "-tl:off", "-t:BuildImage");
        (int exitCode, string output, TimeSpan took) = await build.SignalAsync("INT", 987);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("Stopped.", output, StringComparison.Ordinal);
        Assert.InRange(took.TotalSeconds, 0, 5);
        Assert.Equal("", await RunningProgram.SleepsAsync(987));
    }

    [Fact]
    public async Task What_the_binary_says_is_in_the_log_at_its_importance()
    {
        string project = await machine.CopySampleAsync("console");
        DotnetRun run = (await machine.DotnetAsync(project, "publish", "-t:BuildImage;InspectImage;ResolveBaseImage", machine.Push, "-v:n")).Succeeded();
        Assert.Contains("exporting to image", run.Result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("--progress=rawjson", run.Result.Output, StringComparison.Ordinal);
        Assert.Contains(run.Texts(), text => text.Contains("--progress=rawjson", StringComparison.Ordinal));
        Assert.Contains("Console: based on mcr.microsoft.com/dotnet/runtime:10.0@sha256:", run.Result.Output, StringComparison.Ordinal);
        Assert.Contains("schemaVersion", run.Property("InspectImage", "GeneratedContainerManifest"), StringComparison.Ordinal);
        Assert.Contains("rootfs", run.Property("InspectImage", "GeneratedContainerConfiguration"), StringComparison.Ordinal);
    }
}
