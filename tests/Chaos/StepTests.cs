using System.Diagnostics;
using System.Globalization;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Steps that behave badly.</summary>
public sealed class StepTests
{
    [Fact]
    public async Task Processes_that_a_step_leaves_behind_die_with_it()
    {
        using Scene scene = new(unprivileged: true);
        scene.Dockerfile(Scene.Shell + "RUN (sleep 1000 &); setsid sleep 1000 & nohup sleep 1000 >/log 2>&1 & trap '' TERM; echo done >/done\n");
        scene.Own();
        Assert.Equal("done\n", (await scene.ImageAsync()).Files["done"]);
        scene.AssertNothingLeft();
    }

    [Fact]
    public async Task A_full_dev_shm_is_the_steps_own_error()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN dd if=/dev/zero of=/dev/shm/x bs=1M count=65\n");
        ProgramResult result = await scene.FailsAsync("KIMG3001", 4, "exit code 1");
        Assert.Contains("No space left on device", result.Errors, StringComparison.Ordinal);
        Assert.Contains(">>> RUN dd", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_without_end_and_bytes_that_are_no_text_do_no_harm()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN head -c 20000000 /dev/zero | tr '\\0' x\nRUN head -c 3000000 /dev/urandom\nRUN printf '\\033]0;title\\007\\033[2J' && echo ok >/ok\n");
        ProgramResult result = await scene.BuildAsync("-o", "type=cacheonly");
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain("\u001b", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_killed_for_memory_says_so()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN tail -c 2000000000 /dev/zero\n");
        using Cgroup limited = new(400L << 20);
        ProgramResult result = await HostProgram.RunAsync(
            "sh", ["-c", $"echo $$ >'{limited.Processes}' && exec \"$0\" \"$@\"", RepositoryFiles.Kimg, "build", "--progress", "plain", "--state-dir", scene.State, scene.Context]);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("ERROR KIMG3005: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("out of memory", result.Errors, StringComparison.Ordinal);
        scene.AssertNothingLeft();
    }

    [Fact]
    public async Task A_step_killed_by_somebody_else_is_not_out_of_memory()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN sh -c 'kill -9 $$'; exit $?\n");
        await scene.FailsAsync("KIMG3001", 4, "exit code 137");
    }

    /// <summary>A cgroup (either version) with a memory limit.</summary>
    private sealed class Cgroup : IDisposable
    {
        private readonly string _path;

        internal Cgroup(long bytes)
        {
            bool first = Directory.Exists("/sys/fs/cgroup/memory");
            _path = Path.Combine(first ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup", $"kimg-chaos-{Guid.NewGuid():N}");
            Directory.CreateDirectory(_path);
            File.WriteAllText(Path.Combine(_path, first ? "memory.limit_in_bytes" : "memory.max"), bytes.ToString(CultureInfo.InvariantCulture));
        }

        internal string Processes => Path.Combine(_path, "cgroup.procs");

        public void Dispose() => Process.Start("rmdir", _path).WaitForExit();
    }
}
