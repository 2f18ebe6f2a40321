using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Docs;

/// <summary>What the documents tell people to type works as it stands there, in a project with a Dockerfile, with kimg on PATH. Some names stand for
/// something of the reader's: <c>registry.example</c> or <c>registry.example.com</c> is a registry (here: Debian's) that has an image of each architecture,
/// <c>/cache/app</c> a directory, <c>/opt/qemu</c> where emulators are. <c>./build.sh</c> is run by tests of its own.</summary>
public sealed class ShellBlockTests
{
    private static readonly Regex s_registry = new(@"registry\.example(\.com)?");

    public static TheoryData<string> Documents() => [.. ShellBlock.Documents().Where(document => ShellBlock.Of(document).Any())];

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Everything_shown_runs(string document)
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using TempDirectory directory = new();
        string project = Project(directory);
        Dictionary<string, string> environment = new()
        {
            ["PATH"] = $"{directory["bin"]}:{Environment.GetEnvironmentVariable("PATH")}",
            ["HOME"] = directory["home"], ["XDG_DATA_HOME"] = directory["data"], ["XDG_CACHE_HOME"] = directory["cache"],
        };
        foreach (string architecture in new[] { "amd64", "arm64", "riscv64" })
            await RunAsync($"kimg build --platform linux/{architecture} -t registry.example/app:{architecture} --push .", "before the first");
        foreach (ShellBlock block in ShellBlock.Of(document))
            await RunAsync(string.Join('\n', block.Script.Split('\n').Where(IsRunHere)), $"{document}:{block.Line}");

        async Task RunAsync(string shown, string where)
        {
            string script = s_registry.Replace(shown, registry.Host)
                .Replace("/cache/app", directory["shared"], StringComparison.Ordinal).Replace("/opt/qemu/", "/usr/bin/", StringComparison.Ordinal);
            ProgramResult result = await HostProgram.RunAsync("bash", ["-euo", "pipefail", "-c", script], environment, project, TimeSpan.FromMinutes(3));
            Assert.True(result.ExitCode == 0, $"{where}: exit code {result.ExitCode}\n{script}\n{result.Output}\n{result.Errors}");
        }
    }

    // GitHub's and Amazon's services are not here: tests/Cli.Tests gives these lines to the parser, tests/Engine.Tests has servers that speak their protocols.
    private static bool IsRunHere(string line) =>
        !line.StartsWith("./build.sh", StringComparison.Ordinal) && !line.Contains("type=gha", StringComparison.Ordinal) && !line.Contains("type=s3", StringComparison.Ordinal);

    [Fact]
    public void The_front_door_has_every_verb_that_is_shown()
    {
        string door = File.ReadAllText(RepositoryFiles.Path("build.sh"));
        string[] shown =
        [
            .. ShellBlock.Documents().SelectMany(ShellBlock.Of).SelectMany(block => block.Script.Split('\n'))
                .Where(line => line.StartsWith("./build.sh ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]).Distinct(),
        ];
        Assert.Contains("demo", shown);
        Assert.All(shown, verb => Assert.Contains($"  {verb})", door, StringComparison.Ordinal));
    }

    /// <summary>What a reader has: a directory with a Dockerfile and some sources.</summary>
    private static string Project(TempDirectory directory)
    {
        Directory.CreateDirectory(directory["home"]);
        Directory.CreateDirectory(directory["bin"]);
        File.CreateSymbolicLink(directory["bin/kimg"], RepositoryFiles.Kimg);
        string project = Directory.CreateDirectory(directory["project"]).FullName;
        File.WriteAllText(Path.Combine(project, "hello.txt"), "hello\n");
        File.WriteAllText(Path.Combine(project, "Dockerfile"), "FROM scratch\nCOPY hello.txt /\nCMD [\"/hello\"]\n");
        return project;
    }
}
