using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>The three ways of an arm64 step, by the static binary, on a host that has QEMU registered and on one that has not. The host is a user namespace with a
/// binfmt_misc of its own: namespaces below it fall back to that one, as they do to the machine's, whose registrations stay as they are.</summary>
public sealed class RegisteredEmulatorTests : IDisposable
{
    private const string Note = "only the step's first program is emulated";

    // The same ids as outside, mapped by the parent; uid 0 gets its capabilities by the exec after that.
    private const string Host = """
        go=$(mktemp -u) && mkfifo "$go" && here=$(readlink /proc/self/ns/user)
        unshare --user --mount sh -c 'read x <"$0" && exec "$@"' "$go" sh -c "$1" &
        while [ "$(readlink /proc/$!/ns/user)" = "$here" ]; do :; done
        echo 0 0 4000000 >/proc/$!/uid_map && echo 0 0 4000000 >/proc/$!/gid_map && echo go >"$go" && rm "$go"
        wait $!
        """;

    private const string Register = """
        mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
        printf %s ':outer:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:EMULATOR:F' >/proc/sys/fs/binfmt_misc/register &&
        """;

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(false, false, "", false)] // a binfmt_misc of the step's own
    [InlineData(true, false, "", false)]
    [InlineData(false, true, "binfmt", false)] // the host's
    [InlineData(true, true, "binfmt", false)]
    [InlineData(false, false, "binfmt", true)] // the exec of the step is rewritten
    [InlineData(true, false, "binfmt", true)]
    public async Task An_arm64_step_runs(bool unprivileged, bool registered, string without, bool onlyFirst)
    {
        string machines = string.Join(' ', Directory.GetFiles("/proc/sys/fs/binfmt_misc").Order(StringComparer.Ordinal));
        ProgramResult one = await BuildAsync("""RUN ["/bin/busybox", "uname", "-m"]""", unprivileged, registered, without);
        Assert.Contains("aarch64", one.OutputOrThrow() + one.Errors, StringComparison.Ordinal);
        Assert.Equal(onlyFirst, one.Errors.Contains(Note, StringComparison.Ordinal));

        // The shell is foreign and starts a foreign program.
        ProgramResult two = await BuildAsync("RUN /bin/busybox sh -c '/bin/busybox uname -m' && echo both", unprivileged, registered, without);
        Assert.Equal(onlyFirst ? 4 : 0, two.ExitCode);
        if (onlyFirst) Assert.Contains(Note, two.Errors, StringComparison.Ordinal);
        else Assert.Matches("aarch64\n.*both", two.Errors);
        Assert.Equal(machines, string.Join(' ', Directory.GetFiles("/proc/sys/fs/binfmt_misc").Order(StringComparer.Ordinal)));
    }

    private async Task<ProgramResult> BuildAsync(string step, bool unprivileged, bool registered, string without)
    {
        string context = _temp["context"];
        Directory.CreateDirectory(context);
        File.Copy(await ForeignPrograms.BusyboxAsync(), Path.Combine(context, "busybox"), overwrite: true);
        await HostProgram.MustAsync("chmod", "755", Path.Combine(context, "busybox"));
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), $"FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n{step}\n");
        if (unprivileged) await HostProgram.MustAsync("chown", "-Rh", $"{UnprivilegedUser.Instance.Uid}:{UnprivilegedUser.Instance.Gid}", _temp.Path);
        string[] build =
        [
            "env", "HOME=" + context, "KIMG_TEST_WITHOUT=" + without, RepositoryFiles.Kimg, "build", "--isolation", unprivileged ? "userns" : "root", "--state-dir", _temp["state"],
            "--platform", "linux/arm64", "--progress", "plain", "-o", "type=cacheonly", context,
        ];
        string command = string.Join(' ', unprivileged ? UnprivilegedUser.Instance.Command(build) : build);
        string register = registered ? Register.Replace("EMULATOR", ForeignPrograms.Emulator, StringComparison.Ordinal) : "";
        return await HostProgram.RunAsync("bash", ["-c", Host, "bash", register + " " + command], limit: TimeSpan.FromMinutes(2));
    }
}
