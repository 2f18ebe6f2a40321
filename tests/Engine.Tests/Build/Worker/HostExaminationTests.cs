using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

public sealed class HostExaminationTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("kimg-doctor-").FullName;

    [Theory]
    [InlineData("", "root", "overlay")]
    [InlineData("overlay,fuse", "root", "native")]
    [InlineData("fsopen", "root", "overlay")]
    public async Task Reports_the_choice_a_build_would_make(string without, string isolation, string driver)
    {
        HostReport report = await ExamineAsync(without);
        Assert.Equal((isolation, driver), (report.Isolation, report.StorageDriver));
        Assert.Equal(driver == "overlay", report.Findings.Single(f => f.Name == "overlayfs").Works);
    }

    [Fact]
    public async Task Without_any_rung_it_says_what_helps()
    {
        HostReport report = await ExamineAsync("root,newuidmap");
        Assert.Equal("none", report.Isolation);
        HostFinding finding = report.Findings.Single(f => f.Name == "user namespaces");
        Assert.False(finding.Works);
        Assert.Contains("uidmap", finding.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_which_emulators_are_here()
    {
        HostFinding found = (await ExamineAsync("")).Findings.Single(f => f.Name == "emulators");
        Assert.True(found.Works);
        Assert.Contains("arm64", found.Detail, StringComparison.Ordinal);
        Assert.Contains("riscv64", found.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(Platform.Host.Architecture, found.Detail.Split(", "));
    }

    [Fact]
    public void Without_emulators_it_says_how_to_get_some_and_of_a_named_one_what_is_wrong()
    {
        HostFinding none = HostProbe.EmulatorFinding(new Emulators(ImmutableSortedDictionary<string, string>.Empty) { Directories = [_state] });
        Assert.False(none.Works);
        Assert.Contains("apt-get install qemu-user-static", none.Fix, StringComparison.Ordinal);
        HostFinding bad = HostProbe.EmulatorFinding(new Emulators(ImmutableSortedDictionary<string, string>.Empty.Add("arm64", "/bin/bash")));
        Assert.False(bad.Works);
        Assert.Contains("dynamically linked", bad.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "x", false, "x")]
    [InlineData(null, null, true, "binfmt_misc can be mounted")]
    [InlineData("arm64", "x", true, "the host has registered arm64")]
    [InlineData("arm64", null, true, "binfmt_misc can be mounted; the host has registered arm64")]
    public void Registrations_of_the_host_count_where_binfmt_misc_cannot_be_mounted(string? registered, string? problem, bool works, string detail)
    {
        if (registered is not null)
        {
            File.WriteAllText(Path.Combine(_state, "qemu-aarch64"),
                "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n");
        }

        HostFinding finding = HostProbe.ForeignFinding(problem, _state);
        Assert.Equal((works, detail), (finding.Works, finding.Detail));
    }

    [Theory]
    [InlineData("root,newuidmap", "auto", "newuidmap and newgidmap are not installed")]
    [InlineData("root", "root", "masked")]
    [InlineData("root,userns", "auto", "masked")]
    public void A_rung_that_cannot_work_is_refused_with_a_hint(string without, string isolation, string words)
    {
        KimgException error = Assert.Throws<KimgException>(() => new IsolationLadder(FeatureMasks.Parse(without)).Choose(isolation));
        Assert.Equal(ErrorCode.NoSandbox, error.Code);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    public void Dispose() => Directory.Delete(_state, recursive: true);

    private Task<HostReport> ExamineAsync(string without) => HostExamination.ExamineAsync(
        new WorkerOptions { StateDirectory = _state, Program = RepositoryFiles.Kimg, Without = FeatureMasks.Parse(without) },
        new Emulators(ImmutableSortedDictionary<string, string>.Empty), CancellationToken.None);
}
