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

    [Fact]
    public async Task The_same_output_of_the_compiler_gives_the_same_package()
    {
        using TempDirectory directory = new();
        Dictionary<string, string> environment = new() { ["SOURCE_DATE_EPOCH"] = "1700000000", ["MSBUILDDISABLENODEREUSE"] = "1" };
        foreach (string run in new[] { "one", "two" })
        {
            string[] pack = ["pack", RepositoryFiles.Path("src/Tool"), "-c", "Release", "--no-build", "--no-restore", "-nologo", "-v", "quiet", "-o", directory[run]];
            (await HostProgram.RunAsync("dotnet", pack, environment)).OutputOrThrow();
        }

        string name = Path.GetFileName(Assert.Single(Directory.GetFiles(directory["one"])));
        Assert.Equal(await File.ReadAllBytesAsync(directory["one/" + name]), await File.ReadAllBytesAsync(directory["two/" + name]));
        using ZipArchive package = ZipFile.OpenRead(directory["one/" + name]);
        Assert.All(package.Entries, entry => Assert.Equal(2023, entry.LastWriteTime.Year));
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
