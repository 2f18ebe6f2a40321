using System.Text;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>A real worker over a state directory of its own, with a base of busybox.</summary>
internal sealed class WorkerFixture : IAsyncDisposable
{
    internal static readonly SnapshotKey Base = new(Digest.Sha256("base"));

    internal WorkerFixture(string rung, string driver, string without = "")
    {
        StateDirectory = Directory.CreateTempSubdirectory("kimg-worker-").FullName;
        FileOwner.SetMode(StateDirectory, 0b111_101_101);
        string program = RepositoryFiles.Kimg;
        FeatureMask mask = FeatureMasks.Parse(without);
        IsolationLadder ladder = new(mask);
        if (rung == "userns")
        {
            UnprivilegedUser user = UnprivilegedUser.Instance;
            string bin = Directory.CreateDirectory(Path.Combine(StateDirectory, "bin")).FullName;
            // The build tree may be closed to other users.
            File.Copy(program, Path.Combine(bin, "kimg"));
            program = user.Wrap(Path.Combine(bin, "kimg"), bin);
            ladder = new IsolationLadder(mask, user.Uid, user.Gid)
            {
                MapPrograms = new IdMapPrograms(user.Wrap("/usr/bin/newuidmap", bin), user.Wrap("/usr/bin/newgidmap", bin)),
            };
            FileOwner.Set(StateDirectory, user.Uid, user.Gid);
        }

        Options = new WorkerOptions
        {
            StateDirectory = StateDirectory, Isolation = rung, StorageDriver = driver, Program = program, Without = mask,
            StepProgram = rung == "userns" ? Path.Combine(StateDirectory, "bin", "kimg") : program,
        };
        Client = new WorkerClient(token => WorkerLauncher.StartAsync(Options, ladder, token), () => null);
    }

    internal string StateDirectory { get; }

    internal WorkerOptions Options { get; }

    internal WorkerClient Client { get; }

    internal static StepRequest Shell(string script) => new()
    {
        Root = [Base], Args = ["/bin/sh", "-c", script], Env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        HostsFile = "127.0.0.1\tlocalhost\n", ResolvConf = "nameserver 192.0.2.1\n",
    };

    /// <summary>Applies the base: busybox with its names, passwd and group, and nothing else.</summary>
    internal async Task<WorkerFixture> WithBaseAsync()
    {
        await Client.ApplyAsync([Base], async (stream, token) =>
        {
            using var tar = new System.Formats.Tar.TarWriter(stream, leaveOpen: true);
            void Entry(System.Formats.Tar.TarEntryType type, string name, int mode, string? text = null, byte[]? data = null, int uid = 0)
            {
                var entry = new System.Formats.Tar.PaxTarEntry(type, name)
                {
                    Mode = (UnixFileMode)mode, Uid = uid, Gid = uid, ModificationTime = DateTimeOffset.UnixEpoch.AddDays(365),
                };
                if (type == System.Formats.Tar.TarEntryType.SymbolicLink) entry.LinkName = text!;
                else if (text is not null) entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text));
                else if (data is not null) entry.DataStream = new MemoryStream(data);
                tar.WriteEntry(entry);
            }

            Entry(System.Formats.Tar.TarEntryType.Directory, "bin", 0b111_101_101);
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "bin/busybox", 0b111_101_101, data: await File.ReadAllBytesAsync("/bin/busybox", token));
            foreach (string name in s_applets) Entry(System.Formats.Tar.TarEntryType.SymbolicLink, "bin/" + name, 0b111_111_111, "busybox");
            Entry(System.Formats.Tar.TarEntryType.Directory, "etc", 0b111_101_101);
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "etc/passwd", 0b110_100_100, "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "etc/group", 0b110_100_100, "root:x:0:\napp:x:1001:\nextra:x:2000:app\n");
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "bin/plain.txt", 0b110_100_100, "not a program");
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "bin/garbage", 0b111_101_101, "neither ELF nor script");
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "bin/foreign", 0b111_101_101, data: ForeignElf());
            Entry(System.Formats.Tar.TarEntryType.RegularFile, "bin/interpreted", 0b111_101_101, "#!/nowhere/lua\n");
        }, CancellationToken.None);
        return this;
    }

    /// <summary>Runs a step to its end.</summary>
    internal async Task<(StepResult Result, string Output)> RunAsync(
        StepRequest request, IEnumerable<SafeFileHandle>? files = null, string[]? secretEnv = null, CancellationToken token = default)
    {
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe();
        using (read)
        {
            Task<byte[]> output = Task.Run(() => Descriptors.ReadAll(read, 1 << 24), CancellationToken.None);
            StepResult result;
            using (write)
                result = await Client.RunAsync(request, new StepIo(write, write) { Files = [.. files ?? []], SecretEnv = [.. secretEnv ?? []] }, token);
            return (result, Encoding.UTF8.GetString(await output));
        }
    }

    /// <summary>Begins a step and returns when it has said "up".</summary>
    internal async Task<(Task<StepResult> Run, SafeFileHandle Output)> StartAsync(StepRequest request, CancellationToken token)
    {
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe();
        Task<StepResult> run = CloseAfter(Client.RunAsync(request, new StepIo(write, write), token), write);
        byte[] line = new byte[3];
        Assert.Equal(3, await Task.Run(() => Descriptors.Read(read, line), CancellationToken.None));
        return (run, read);
    }

    private static async Task<StepResult> CloseAfter(Task<StepResult> run, SafeFileHandle write)
    {
        using (write) return await run;
    }

    internal async Task<string> OutputAsync(string script, Func<StepRequest, StepRequest>? with = null)
    {
        (StepResult result, string output) = await RunAsync((with ?? (r => r))(Shell(script)));
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}: {output}");
        return output.TrimEnd('\n');
    }

    /// <summary>Paths of the layer that a step leaves.</summary>
    internal async Task<string[]> LayerAsync(StepRequest request, IEnumerable<SafeFileHandle>? files = null)
    {
        var key = new SnapshotKey(Digest.Sha256(Guid.NewGuid().ToString()));
        (StepResult result, string output) = await RunAsync(request with { Result = key }, files);
        Assert.True(result.ExitCode == 0, output);
        LayerIndex index = await Client.ScanAsync(key, CancellationToken.None);
        return [.. index.Entries.ToArray().Select(e => e.Path.ToString())];
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        Directory.Delete(StateDirectory, recursive: true);
    }

    private static byte[] ForeignElf()
    {
        byte[] head = new byte[64];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(head);
        head[16] = 2;
        head[18] = 183; // EM_AARCH64
        return head;
    }

    private static readonly string[] s_applets =
    [
        "sh", "ls", "cat", "id", "env", "echo", "mount", "umask", "hostname", "stat", "touch", "mkdir", "rm", "sleep", "kill", "dd", "grep", "pwd", "ip", "df", "readlink", "mknod", "chown", "ps", "true", "wc", "cut", "sort",
    ];
}
