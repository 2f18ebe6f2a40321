using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>What the filter of system calls lets through, seen by a step.</summary>
public sealed class SeccompTests
{
    /// <summary>A namespace of one's own needs no capability, so nothing but the filter refuses it.</summary>
    [Theory]
    [InlineData("root")]
    [InlineData("userns")]
    public async Task A_refused_call_fails_with_EPERM_and_works_without_the_filter(string rung)
    {
        const string Unshare = "busybox unshare -U busybox true 2>&1 && echo works || true";
        await using (WorkerFixture worker = await new WorkerFixture(rung, "overlay").WithBaseAsync())
            Assert.Equal("unshare: unshare(0x10000000): Operation not permitted", await worker.OutputAsync(Unshare));
        await using (WorkerFixture unfiltered = await new WorkerFixture(rung, "overlay", "seccomp").WithBaseAsync())
            Assert.Equal("works", await unfiltered.OutputAsync(Unshare));
    }

    [Theory]
    [InlineData("userns", "linux32 busybox uname -m", "i686")]
    [InlineData("userns", "chroot / busybox echo in", "in")]
    [InlineData("root", "mknod /node c 1 3 && busybox stat -c %F /node", "character special file")] // in a user namespace the kernel itself refuses
    [InlineData("userns", "sh -c 'exit 3' || busybox echo child", "child")]
    public async Task What_builds_need_is_let_through(string rung, string command, string output)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, "native").WithBaseAsync();
        Assert.Equal(output, await worker.OutputAsync("busybox " + command));
    }
}
