using Kimg.TestKit;
using Xunit;

namespace Kimg.Docs;

/// <summary>What the documents tell people to type works as it stands there, in a project with a Dockerfile, with kimg on PATH. Two names stand for
/// something of the reader's: <c>registry.example</c> is a registry (here: Debian's), <c>./build.sh</c> is run by tests of its own.</summary>
public sealed class ShellBlockTests
{
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
        foreach (ShellBlock block in ShellBlock.Of(document))
        {
            string script = block.Script.Replace("registry.example", registry.Host, StringComparison.Ordinal);
            string own = string.Join('\n', script.Split('\n').Where(line => !line.StartsWith("./build.sh", StringComparison.Ordinal)));
            ProgramResult result = await HostProgram.RunAsync("bash", ["-euo", "pipefail", "-c", own], environment, project, TimeSpan.FromMinutes(3));
            Assert.True(result.ExitCode == 0, $"{document}:{block.Line}: exit code {result.ExitCode}\n{own}\n{result.Output}\n{result.Errors}");
        }
    }

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
