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
        new WorkerOptions { StateDirectory = _state, Program = RepositoryFiles.Kimg, Without = FeatureMasks.Parse(without) }, CancellationToken.None);
}
