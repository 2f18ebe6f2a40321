using Kimg.TestKit;
using Xunit;

namespace Kimg.Docs;

/// <summary>The first command of README.md, with the binary that is there already.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_builds_pushes_and_pulls_a_real_image_and_leaves_nothing()
    {
        using TempDirectory temporary = new();
        Dictionary<string, string> environment = new() { ["KIMG_BINARY"] = RepositoryFiles.Kimg, ["TMPDIR"] = temporary.Path };
        ProgramResult result = await HostProgram.RunAsync(
            "bash", [RepositoryFiles.Path("scripts/demo.sh")], environment, RepositoryFiles.Root, TimeSpan.FromMinutes(5));
        string output = result.OutputOrThrow();
        Assert.Contains("hello", output.Split('\n').Last(line => line.Length > 0), StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path));
    }
}
