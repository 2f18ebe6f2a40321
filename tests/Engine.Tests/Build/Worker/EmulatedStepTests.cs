using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>Steps whose programs are for arm64: Debian's busybox under Debian's QEMU.</summary>
public sealed class EmulatedStepTests
{
    private static readonly SnapshotKey s_base = new(Digest.Sha256("arm64 base"));

    [Theory]
    [InlineData("root")]
    [InlineData("userns")]
    public async Task Programs_and_what_they_start_run_and_the_host_is_as_it_was(string rung)
    {
        await using WorkerFixture worker = await StartAsync(rung);
        string before = Registrations();
        Assert.Equal("aarch64\naarch64", await OutputAsync(worker, "uname -m; /bin/busybox sh -c '/bin/busybox uname -m'"));
        Assert.Equal("/bin/busybox", await OutputAsync(worker, "readlink /proc/self/exe"));
        Assert.Equal(before, Registrations());
    }

    [Theory]
    [InlineData("root")]
    [InlineData("userns")]
    public async Task Owners_and_modes_of_the_layer_are_what_the_step_made(string rung)
    {
        await using WorkerFixture worker = await StartAsync(rung);
        var key = new SnapshotKey(Digest.Sha256("layer"));
        (StepResult result, string output) = await worker.RunAsync(Foreign("echo x >/file && chown 1000:1001 /file && chmod 4750 /file && rm /bin/gone") with { Result = key });
        Assert.True(result.ExitCode == 0, output);
        Kimg.Engine.Archive.TarEntry[] entries = (await worker.Client.ScanAsync(key, CancellationToken.None)).Entries.ToArray();
        Kimg.Engine.Archive.TarEntry file = Assert.Single(entries, e => e.Path.ToString() is "file" or "/file");
        Assert.Equal((1000u, 1001u, 0b100_111_101_000), (file.Uid, file.Gid, file.Mode));
        Assert.Contains(entries, e => e.Type == Kimg.Engine.Archive.EntryType.Whiteout);
    }

    [Theory]
    [InlineData("root")]
    [InlineData("userns")]
    public async Task Without_binfmt_misc_the_first_program_still_runs(string rung)
    {
        await using WorkerFixture worker = await StartAsync(rung, "binfmt");
        (StepResult result, string output) = await worker.RunAsync(Foreign("") with { Args = ["busybox", "uname", "-m"] });
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("kimg: only the step's first program is emulated (binfmt_misc is of no use here); programs that it starts itself may not run\naarch64\n", output);
    }

    [Fact]
    public async Task Without_an_emulator_the_error_names_the_package()
    {
        await using WorkerFixture worker = await StartAsync("root", "binfmt");
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => worker.RunAsync(Foreign("true") with { Emulator = null }));
        Assert.Equal(ErrorCode.ForeignArchitecture, error.Code);
        Assert.Contains("apt-get install qemu-user-static", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mips64", "apt-get install qemu-user-static")]
    [InlineData("wasm", "QEMU runs no programs for wasm")]
    public void A_hint_only_names_the_package_where_it_helps(string architecture, string hint) =>
        Assert.Contains(hint, Emulation.Impossible(architecture).Hint, StringComparison.Ordinal);

    /// <summary>Whatever a Dockerfile may be built for; a WebAssembly module is no program.</summary>
    [Theory]
    [InlineData("amd64")]
    [InlineData("arm64")]
    [InlineData("arm")]
    [InlineData("386")]
    [InlineData("ppc64le")]
    [InlineData("ppc64")]
    [InlineData("s390x")]
    [InlineData("riscv64")]
    [InlineData("loong64")]
    [InlineData("mips64le")]
    [InlineData("mips64")]
    [InlineData("mipsle")]
    [InlineData("mips")]
    public void Every_architecture_has_the_emulator_that_Debian_installs(string architecture)
    {
        Assert.True(File.Exists(new Emulators(System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty).Find(architecture)));
        Machine machine = Machine.Find(architecture)!;
        Assert.Equal(machine, Machine.OfProgram([.. machine.Signature().Magic, .. new byte[32]]));
    }

    [Fact]
    public async Task A_user_of_the_step_is_that_user_under_the_emulator_too()
    {
        await using WorkerFixture worker = await StartAsync("userns");
        (StepResult result, string output) = await worker.RunAsync(Foreign("id -u; touch /tmp/mine && stat -c %u /tmp/mine") with { User = "1234:1234" });
        Assert.True(result.ExitCode == 0, output);
        Assert.Equal("1234\n1234\n", output);
    }

    [Fact]
    public void A_registration_of_the_host_counts_when_the_emulator_stays_open()
    {
        using TempDirectory directory = new();
        Assert.False(Emulation.IsRegistered("arm64", directory["none"]));
        const string entry = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";
        File.WriteAllText(directory["register"], "");
        File.WriteAllText(directory["qemu-aarch64"], entry.Replace("OCF", "OC", StringComparison.Ordinal));
        Assert.False(Emulation.IsRegistered("arm64", directory.Path));
        File.WriteAllText(directory["qemu-aarch64"], entry);
        Assert.True(Emulation.IsRegistered("arm64", directory.Path));
        Assert.False(Emulation.IsRegistered("arm", directory.Path));
        File.WriteAllText(directory["qemu-aarch64"], entry.Replace("enabled", "disabled", StringComparison.Ordinal));
        Assert.False(Emulation.IsRegistered("arm64", directory.Path));
    }

    private static StepRequest Foreign(string script) => WorkerFixture.Shell(script) with
    {
        Root = [s_base], ForeignArchitecture = "arm64", Emulator = ForeignPrograms.Emulator,
    };

    private static async Task<string> OutputAsync(WorkerFixture worker, string script)
    {
        (StepResult result, string output) = await worker.RunAsync(Foreign(script));
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {output}");
        return output.TrimEnd('\n');
    }

    private static async Task<WorkerFixture> StartAsync(string rung, string without = "")
    {
        var worker = new WorkerFixture(rung, "overlay", without);
        string busybox = await ForeignPrograms.BusyboxAsync();
        await worker.Client.ApplyAsync([s_base], async (stream, token) =>
        {
            using var tar = new System.Formats.Tar.TarWriter(stream, leaveOpen: true);
            foreach ((string name, int mode) in new[] { ("bin", 0b111_101_101), ("tmp", 0b1_111_111_111) })
                tar.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.Directory, name) { Mode = (UnixFileMode)mode });
            tar.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "bin/busybox")
            {
                Mode = (UnixFileMode)0b111_101_101, DataStream = new MemoryStream(await File.ReadAllBytesAsync(busybox, token)),
            });
            foreach (string applet in new[] { "sh", "uname", "readlink", "chown", "chmod", "rm", "id", "touch", "stat", "gone", "true" })
                tar.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
        }, CancellationToken.None);
        return worker;
    }

    private static string Registrations() =>
        string.Join(" ", Directory.GetFiles("/proc/sys/fs/binfmt_misc").Order(StringComparer.Ordinal));
}
