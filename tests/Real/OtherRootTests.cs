using Kimg.TestKit;
using Xunit;

namespace Kimg.Real;

/// <summary>The static binary in a root directory that is not the machine's: nothing there, or a chroot.</summary>
public sealed class OtherRootTests : IDisposable
{
    private readonly TempDirectory _root = new();

    public OtherRootTests()
    {
        File.Copy(RepositoryFiles.Kimg, _root["kimg"]);
        Directory.CreateDirectory(_root["context"]);
        File.Copy("/bin/busybox", _root["context/busybox"]);
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Builds_in_an_empty_root_directory()
    {
        await File.WriteAllTextAsync(_root["context/Dockerfile"], "FROM scratch\nCOPY busybox /bin/\n");

        ProgramResult result = await HostProgram.RunAsync(
            "chroot", [_root.Path, "/kimg", "build", "--progress", "plain", "--state-dir", "/state", "-o", "type=oci,dest=/image.tar", "/context"]);

        result.OutputOrThrow();
        Assert.Contains("index.json", await HostProgram.MustAsync("tar", "-tf", _root["image.tar"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_current_directory_that_is_gone_is_an_error_of_the_context_and_of_nothing_else()
    {
        ProgramResult result = await HostProgram.RunAsync("sh", ["-c", $"""
            mkdir {_root["gone"]} && cd {_root["gone"]} && rmdir {_root["gone"]} && {RepositoryFiles.Kimg} version && {RepositoryFiles.Kimg} build .
            """]);

        Assert.Equal(3, result.ExitCode);
        Assert.StartsWith("kimg ", result.Output, StringComparison.Ordinal);
        Assert.Contains("ERROR KIMG", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_steps_in_a_chroot_and_leaves_no_mount_behind()
    {
        await File.WriteAllTextAsync(_root["context/Dockerfile"], "FROM scratch\nCOPY busybox /bin/\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo ran > /done\"]\n");
        foreach (string directory in new[] { "proc", "dev", "tmp" }) Directory.CreateDirectory(_root[directory]);
        string script = $"""
            mount --make-rshared /
            mount -t proc proc {_root["proc"]} && mount --rbind /dev {_root["dev"]}
            before=$(grep -c . /proc/self/mountinfo)
            chroot {_root.Path} /kimg build --progress plain --isolation root --state-dir /state -o type=local,dest=/out /context
            [ "$before" = "$(grep -c . /proc/self/mountinfo)" ]
            """;

        ProgramResult result = await HostProgram.RunAsync("unshare", ["--mount", "--propagation", "private", "sh", "-ec", script]);

        result.OutputOrThrow();
        Assert.Equal("ran\n", await File.ReadAllTextAsync(_root["out/done"]));
    }
}
