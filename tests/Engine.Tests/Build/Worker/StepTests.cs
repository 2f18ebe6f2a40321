using System.Text;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>What every rung and driver must do alike.</summary>
public class StepTests
{
    public static TheoryData<string, string, string> Rungs => new()
    {
        { "root", "overlay", "" }, { "root", "native", "" }, { "userns", "overlay", "" }, { "userns", "native", "" },
        { "userns", "overlay", "fsopen,mount_setattr,close_range" }, { "root", "fuse-overlayfs", "" },
    };

    [Theory, MemberData(nameof(Rungs))]
    public async Task A_step_sees_what_buildkit_gives_it(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        Assert.Equal("0\n0\n0\n/\nbuildkitsandbox\n0022\n1", await worker.OutputAsync("id -u; id -g; id -G; pwd; hostname; umask; echo $$"));
        Assert.Equal("HOME=/root\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nSHLVL=1", await worker.OutputAsync("env | sort"));
        Assert.Equal("0\n1\n2", await worker.OutputAsync("for fd in 0 1 2 3 4 5 6 7; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true"));
        Assert.Equal("fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero", await worker.OutputAsync("echo $(ls /dev)"));
        Assert.Equal("CapInh: 0000000000000000\nCapPrm: 00000000a80425fb\nCapEff: 00000000a80425fb\nCapBnd: 00000000a80425fb\nCapAmb: 0000000000000000\nNoNewPrivs: 0\nSeccomp: 2",
            await worker.OutputAsync("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | while read name value; do echo \"$name $value\"; done"));
        Assert.Equal("SigBlk: 0000000000000000\nSigIgn: 0000000000000000",
            await worker.OutputAsync("grep -E '^Sig(Blk|Ign)' /proc/self/status | while read name value; do echo \"$name $value\"; done"));
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Kernel_files_are_masked_or_read_only(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        string mounts = await worker.OutputAsync("cat /proc/mounts");
        Assert.Contains("proc /proc proc rw,nosuid,nodev,noexec,relatime", mounts, StringComparison.Ordinal);
        Assert.Matches(@"devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=\d+,mode=620,ptmxmode=666", mounts); // the gid prints as the host's
        Assert.Contains("mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime", mounts, StringComparison.Ordinal);
        foreach (string path in (string[])["/proc/sys", "/proc/bus", "/proc/irq", "/sys", "/etc/hosts", "/etc/resolv.conf"])
            Assert.Matches($"(?m) {path} [a-z0-9]+ ro,", mounts);
        Assert.Equal("0", await worker.OutputAsync("cat /proc/timer_list /proc/keys | wc -c"));
        Assert.Equal("refused", await worker.OutputAsync("echo x 2>/dev/null >/proc/sys/kernel/hostname || echo refused"));
        Assert.Equal("refused", await worker.OutputAsync("mount -t tmpfs none /etc 2>/dev/null || echo refused"));
        Assert.Equal("65536", await worker.OutputAsync("df -k /dev/shm | grep shm | while read a b c; do echo $b; done"));
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Exit_codes_and_signals_come_through(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        Assert.Equal(new StepResult(7, null, false), (await worker.RunAsync(WorkerFixture.Shell("exit 7"))).Result);
        // The first process of a pid namespace cannot kill itself; its child's death is the shell's 128 + 9.
        Assert.Equal(137, (await worker.RunAsync(WorkerFixture.Shell("sh -c 'kill -9 $$'; exit $?"))).Result.ExitCode);
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task A_cancelled_step_leaves_no_process_and_no_mount(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        string mark = Random.Shared.Next(1_000_000, int.MaxValue).ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var cancel = new CancellationTokenSource();
        (Task<StepResult> run, SafeFileHandle output) = await worker.StartAsync(WorkerFixture.Shell($"sleep {mark} & sleep {mark} & echo up; wait"), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc"), p => CommandLine(p).Contains(mark, StringComparison.Ordinal));
        Assert.DoesNotContain(worker.StateDirectory, await File.ReadAllTextAsync("/proc/self/mounts"), StringComparison.Ordinal);
        Assert.Equal("again", await worker.OutputAsync("echo again"));
        output.Dispose();
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Users_come_from_the_images_own_files(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        const string Who = "echo $(id -u) $(id -g) $(id -G) $HOME";
        Assert.Equal("1000 1001 1001 2000 /home/app", await worker.OutputAsync(Who, r => r with { User = "app" }));
        Assert.Equal("1000 2000 2000 /home/app", await worker.OutputAsync(Who, r => r with { User = "1000:extra" }));
        Assert.Equal("4242 0 0 /", await worker.OutputAsync(Who, r => r with { User = "4242" }));
        Assert.Equal("0 5 5 /root", await worker.OutputAsync(Who, r => r with { User = "0:5" }));
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => worker.OutputAsync(Who, r => r with { User = "nobody-here" }));
        Assert.Equal((ErrorCode.UnknownUser, "unknown user 'nobody-here'"), (error.Code, error.Message));
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task The_working_directory_is_made_for_the_user_and_kept(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        Assert.Equal("/srv/app 1000:1001 755", await worker.OutputAsync("echo $(pwd) $(stat -c '%u:%g %a' .)", r => r with { User = "app", WorkingDirectory = "/srv/app" }));
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Network_none_has_only_loopback_and_it_is_up(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        string links = await worker.OutputAsync("ip a", r => r with { Network = NetworkMode.None });
        Assert.Contains("LOOPBACK,UP", links, StringComparison.Ordinal);
        Assert.DoesNotContain("eth0", links, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Mounts_show_what_they_should_and_their_points_are_not_in_the_layer(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        using SafeFileHandle secret = Descriptors.Memory("secret", "s3cret"u8);
        string cache = Path.Combine(worker.StateDirectory, "mounts", "npm");
        StepRequest request = WorkerFixture.Shell(
            "set -e; cat /run/secrets/id; stat -c '%a %u %g' /run/secrets/id; ls /from/etc; echo kept > /cache/deep/file; echo x > /scratch/y; df -k /scratch | grep -c 1024; "
            + "touch /ro/new 2>/dev/null || echo read-only; touch /rw/new; touch /etc/mine; cat /etc/hosts") with
        {
            Mounts =
            [
                new FileMount("/run/secrets/id", 0, 0b100_000_000, 1000, 1001), new TreeMount("/from", [WorkerFixture.Base], "/", ReadOnly: true),
                new HostMount("/cache/deep", cache, ReadOnly: false, 0b111_101_101, 0, 0, IsSocket: false), new EmptyMount("/scratch", 1 << 20),
                new TreeMount("/ro", [WorkerFixture.Base], "/etc", ReadOnly: true), new TreeMount("/rw", [WorkerFixture.Base], "/etc", ReadOnly: false),
            ],
        };
        (StepResult result, string output) = await worker.RunAsync(request, [secret]);
        Assert.Equal("s3cret400 1000 1001\ngroup\npasswd\n1\nread-only\n127.0.0.1\tlocalhost\n", output);
        Assert.Equal(0, result.ExitCode);
        Assert.True(File.Exists(Path.Combine(cache, "file")));
        using SafeFileHandle again = Descriptors.Memory("secret", "s3cret"u8);
        string[] layer = await worker.LayerAsync(request, [again]);
        Assert.Contains("/etc/mine", layer);
        Assert.DoesNotContain(layer, p => p.Split('/')[1] is "run" or "cache" or "from" || p is "/etc/hosts" or "/etc/resolv.conf");
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task A_cache_mount_starts_as_a_copy_of_a_tree_once(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        StepRequest request = WorkerFixture.Shell("ls /cache; rm /cache/group") with
        {
            Mounts =
            [
                new HostMount("/cache", Path.Combine(worker.StateDirectory, "mounts", "c"), ReadOnly: false, 0b111_101_101, 0, 0, IsSocket: false)
                {
                    Seed = new TreeMount("/cache", [WorkerFixture.Base], "/etc", ReadOnly: true),
                },
            ],
        };
        Assert.Equal("group\npasswd\n", (await worker.RunAsync(request)).Output);
        Assert.StartsWith("passwd\n", (await worker.RunAsync(request)).Output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Stubs_leave_their_parents_times_alone(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        SnapshotKey old = new(Digest.Sha256("old")), untouched = new(Digest.Sha256("untouched"));
        await worker.RunAsync(WorkerFixture.Shell("touch -d @31536000 /etc") with { Result = old });
        await worker.RunAsync(WorkerFixture.Shell("true") with { Root = [WorkerFixture.Base, old], Result = untouched });
        Assert.Equal("31536000", await worker.OutputAsync("stat -c %Y /etc", r => r with { Root = [WorkerFixture.Base, old, untouched] }));
    }

    [Theory, MemberData(nameof(Rungs))]
    public async Task Secret_variables_and_limits_reach_the_step(string rung, string driver, string without)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, driver, without).WithBaseAsync();
        (_, string output) = await worker.RunAsync(
            WorkerFixture.Shell("echo $TOKEN; ulimit -n; df -k /dev/shm | grep -c 1024") with { Ulimits = [new Ulimit("nofile", 123, 456)], ShmSize = 1 << 20 }, secretEnv: ["TOKEN=t0k"]);
        Assert.Equal("t0k\n123\n1\n", output);
    }

    [Theory]
    [InlineData("/nowhere/program", ErrorCode.StepNotStarted, 127, "no such file or directory")]
    [InlineData("no-such-program", ErrorCode.StepNotStarted, 127, "not found in PATH")]
    [InlineData("/bin/plain.txt", ErrorCode.StepNotStarted, 126, "permission denied")]
    [InlineData("/bin/garbage", ErrorCode.StepNotStarted, 126, "exec format error")]
    [InlineData("/bin/interpreted", ErrorCode.StepNotStarted, 127, "interpreter does not exist")]
    [InlineData("/bin/foreign", ErrorCode.ForeignArchitecture, null, "linux/arm64")]
    public async Task What_cannot_be_executed_is_explained(string program, ErrorCode code, int? exitCode, string words)
    {
        await using WorkerFixture worker = await new WorkerFixture("userns", "overlay").WithBaseAsync();
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => worker.RunAsync(WorkerFixture.Shell("") with { Args = [program] }));
        Assert.Equal((code, exitCode), (error.Code, error.StepExitCode));
        Assert.Contains(words, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public async Task Of_fuse_overlayfs_no_process_is_left_after_a_step_nor_after_the_workers_death()
    {
        await using WorkerFixture worker = await new WorkerFixture("root", "fuse-overlayfs").WithBaseAsync();
        (Task<StepResult> run, SafeFileHandle output) = await worker.StartAsync(WorkerFixture.Shell("echo up; sleep 1000"), CancellationToken.None);
        string[] Serving() => [.. Directory.EnumerateDirectories("/proc").Where(p => IsFuse(p, worker))];
        int parent = int.Parse(Status(Assert.Single(Serving())).Split("\nPPid:\t")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("one", await worker.OutputAsync("echo one"));
        Assert.Single(Serving());
        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc"), p => IsZombieOf(p, parent));
        Processes.Kill(parent, Processes.SigKill);
        await Assert.ThrowsAsync<KimgException>(() => run);
        Assert.Equal(0, await Task.Run(() => Descriptors.Read(output, new byte[1])));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (Serving().Length > 0) Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), "fuse-overlayfs still runs");
        output.Dispose();
    }

    [Fact]
    public async Task A_worker_that_dies_fails_the_step_that_waits_for_it()
    {
        await using WorkerFixture worker = await new WorkerFixture("userns", "overlay").WithBaseAsync();
        (Task<StepResult> run, SafeFileHandle output) = await worker.StartAsync(WorkerFixture.Shell("echo up; sleep 1000"), CancellationToken.None);
        string process = Directory.EnumerateDirectories("/proc").Single(p => CommandLine(p) is var line
            && line.EndsWith("\0worker\0", StringComparison.Ordinal) && line.Contains(worker.StateDirectory, StringComparison.Ordinal));
        Processes.Kill(int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture), Processes.SigKill);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => run);
        Assert.Equal(ErrorCode.WorkerFailed, error.Code);
        // The step died with it: its end of the pipe is closed.
        Assert.Equal(0, await Task.Run(() => Descriptors.Read(output, new byte[1])));
        output.Dispose();
    }

    private static bool IsFuse(string process, WorkerFixture worker) =>
        CommandLine(process) is var line && line.Contains("fuse-overlayfs\0", StringComparison.Ordinal) && line.Contains(worker.StateDirectory, StringComparison.Ordinal);

    private static bool IsZombieOf(string process, int parent) =>
        Status(process) is var text && text.Contains("State:\tZ", StringComparison.Ordinal) && text.Contains($"\nPPid:\t{parent}\n", StringComparison.Ordinal);

    private static string Status(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "status"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string CommandLine(string process)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(process, "cmdline")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
