using System.IO.Compression;
using System.Text.Json;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class ReleaseTests
{
    [Fact]
    public async Task The_same_binary_gives_the_same_release()
    {
        using TempDirectory again = await ReleaseImage.MakeAsync();
        string first = await ReleaseImage.DirectoryAsync();
        foreach (string image in new[] { "kimg-image-amd64", "debug-image-amd64" })
            Assert.Equal(await File.ReadAllTextAsync(Path.Combine(first, image, "index.json")), await File.ReadAllTextAsync(Path.Combine(again[image], "index.json")));
        foreach (string file in new[] { "SHA256SUMS", "release.json", "install.sh", "kimg-linux-amd64.spdx.json", "kimg-linux-amd64.cdx.json" })
            Assert.Equal(await File.ReadAllTextAsync(Path.Combine(first, file)), await File.ReadAllTextAsync(again[file]));
        (await HostProgram.RunAsync("sha256sum", ["--check", "SHA256SUMS"], directory: first)).OutputOrThrow();
    }

    [Theory]
    [InlineData("src/Tool")]
    [InlineData("src/Tasks")]
    public async Task The_same_output_of_the_compiler_gives_the_same_package(string project)
    {
        using TempDirectory directory = new();
        Dictionary<string, string> environment = new() { ["SOURCE_DATE_EPOCH"] = "1700000000", ["MSBUILDDISABLENODEREUSE"] = "1" };
        foreach (string run in new[] { "one", "two" })
        {
            string[] pack = ["pack", RepositoryFiles.Path(project), "-c", "Release", "--no-build", "--no-restore", "-nologo", "-v", "quiet", "-o", directory[run]];
            (await HostProgram.RunAsync("dotnet", pack, environment)).OutputOrThrow();
        }

        string name = Path.GetFileName(Assert.Single(Directory.GetFiles(directory["one"])));
        Assert.Equal(await File.ReadAllBytesAsync(directory["one/" + name]), await File.ReadAllBytesAsync(directory["two/" + name]));
        using ZipArchive package = ZipFile.OpenRead(directory["one/" + name]);
        Assert.All(package.Entries, entry => Assert.Equal(2023, entry.LastWriteTime.Year));
    }

    /// <summary>The script that a release runs, with a compiler that writes what it is told: here its commit, there also where it stands.</summary>
    [Theory]
    [InlineData("git rev-parse HEAD", true)]
    [InlineData("pwd", false)]
    public async Task A_binary_that_depends_on_its_directory_is_found(string compiler, bool same)
    {
        using TempDirectory directory = new();
        Directory.CreateDirectory(directory["scripts"]);
        File.Copy(RepositoryFiles.Path("scripts/reproduce.sh"), directory["scripts/reproduce.sh"]);
        await File.WriteAllTextAsync(directory[".gitignore"], "artifacts/\n");
        await File.WriteAllTextAsync(
            directory["scripts/native.sh"], $"cd \"$(dirname \"$0\")/..\"\nmkdir -p artifacts/native/$1\n{compiler} >artifacts/native/$1/kimg\necho a >artifacts/native/$1/kimg.inputs\nchmod 755 artifacts/native/$1/kimg\n");
        foreach (string command in new[] { "init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -q -m one" })
            (await HostProgram.RunAsync("git", command.Split(' '), directory: directory.Path)).OutputOrThrow();
        ProgramResult result = await HostProgram.RunAsync("bash", [directory["scripts/reproduce.sh"], "linux-x64"]);
        Assert.True(result.ExitCode == (same ? 0 : 1), result.Output + result.Errors);
        Assert.Equal(same ? 2 : 1, result.Output.Split('\n').Count(line => line.Contains("  artifacts/native/linux-x64/kimg", StringComparison.Ordinal)));
        Assert.Equal(!same, result.Errors.Contains("reproduce.sh: kimg differs in ", StringComparison.Ordinal));
        Assert.Single((await HostProgram.MustAsync("git", "-C", directory.Path, "worktree", "list")).Trim().Split('\n'));
        // What is not a commit cannot be built again.
        await File.WriteAllTextAsync(directory["more"], "");
        Assert.Equal(2, (await HostProgram.RunAsync("bash", [directory["scripts/reproduce.sh"], "linux-x64"])).ExitCode);
    }

    [Fact]
    public async Task The_image_is_the_binary_for_a_user_without_privileges()
    {
        string layout = Path.Combine(await ReleaseImage.DirectoryAsync(), "kimg-image-amd64");
        JsonElement config = ReleaseImage.Read(ReleaseImage.Blob(layout, ReleaseImage.Manifest(layout).GetProperty("config").GetProperty("digest").GetString()!)).GetProperty("config");
        Assert.Equal("1000:1000", config.GetProperty("User").GetString());
        Assert.Equal("/kimg", config.GetProperty("Entrypoint")[0].GetString());
        using TempDirectory root = new();
        await ReleaseImage.UnpackAsync(root.Path);
        Assert.Equal(await File.ReadAllBytesAsync(RepositoryFiles.Kimg), await File.ReadAllBytesAsync(root["kimg"]));
        Assert.StartsWith("kimg ", await HostProgram.MustAsync("chroot", "--userspec=1000:1000", root.Path, "/kimg", "version"), StringComparison.Ordinal);
        Assert.Equal("1777", (await HostProgram.MustAsync("stat", "-c", "%a", root["tmp"])).Trim());
    }

    [Fact]
    public async Task The_debug_image_has_a_shell_and_stands_in_for_kaniko()
    {
        using TempDirectory root = new();
        await ReleaseImage.UnpackAsync(root.Path, "debug-image-amd64");
        string output = await HostProgram.MustAsync("chroot", root.Path, "/bin/sh", "-c", "export PATH=/:/busybox; kimg version; /kaniko/executor version; /usr/local/bin/kimia version; stat -c %a /kaniko/.docker /home/kimia/.docker /root");
        string[] lines = output.Trim().Split('\n');
        Assert.StartsWith("kimg ", lines[0], StringComparison.Ordinal);
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal([lines[0], "1777", "1777", "1777"], lines[2..]);
        ProgramResult refused = await HostProgram.RunAsync("chroot", [root.Path, "/kaniko/executor", "--context", "/root", "--single-snapshot", "--no-push"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--single-snapshot is not supported", refused.Errors, StringComparison.Ordinal);
    }
}
